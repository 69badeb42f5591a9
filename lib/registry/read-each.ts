/** Reads each item, and collects the errors of those that cannot be read. */
export function readEach<Item, Read>(
  items: readonly Item[],
  read: (item: Item) => Read,
): { readonly read: Read[]; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const found = items.flatMap((item) => {
    try {
      return [read(item)];
    } catch (error) {
      errors.push(error);
      return [];
    }
  });
  return { read: found, errors };
}
