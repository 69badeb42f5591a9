/** So many at once, the next as soon as one has ended. What one rejects with is thrown when those beside it have ended. */
export async function mapLimit<Item, Result>(
  atOnce: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const waiting = items.entries();
  const goOn = async (): Promise<void> => {
    for (const [position, item] of waiting) {
      if (failures.length > 0) return;
      try {
        results[position] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, goOn));
  if (failures.length > 0) throw failures[0];
  return results;
}
