/** Maps with limited concurrency. After a failure, starts no more items and rejects once the running ones finish. */
export async function mapLimit<Item, Result>(
  limit: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const remaining = items.entries();
  const worker = async (): Promise<void> => {
    for (const [position, item] of remaining) {
      if (failures.length > 0) return;
      try {
        results[position] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
