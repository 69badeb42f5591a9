/** Gives up on work that takes longer; the signal tells it so. */
export async function within<Result>(
  limitMs: number,
  work: (givenUp: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const givenUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      givenUp.abort();
      reject(new Error(`no answer within ${String(limitMs)} ms`));
    }, limitMs);
  });
  try {
    return await Promise.race([work(givenUp.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
