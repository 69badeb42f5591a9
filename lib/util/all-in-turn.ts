/** Does every step, one after the other. Rejects with the first error after the last step: no error keeps a later step undone. */
export async function allInTurn(...steps: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
