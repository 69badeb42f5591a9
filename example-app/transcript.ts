// A transcript: expected and actual answers. A difference causes exit code 1.
let differences = 0;

export function step(what: string, expected: string, actual: string): void {
  const isSame = expected === actual;
  if (!isSame) differences += 1;
  console.log(`${isSame ? "ok  " : "DIFF"} ${what}\n       expected: ${expected}\n       actual:   ${actual}`);
}

export async function answerOf(response: Response | Promise<Response>): Promise<string> {
  const { status, headers } = await response;
  const location = headers.get("location");
  return `${String(status)} ${location === null ? (await (await response).text()).trim() : `to ${location}`}`.trim();
}

export function finishTranscript(): void {
  console.log(`\n${differences === 0 ? "Every step came as expected." : `${String(differences)} step(s) differ.`}`);
  process.exitCode = differences === 0 ? 0 : 1;
}
