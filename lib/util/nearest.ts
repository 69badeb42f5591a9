/** Returns the name that was probably meant: the one with the fewest letters to change, if these are at most a third. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const most = Math.floor(name.length / 3);
  const near = names
    .map((each) => ({ each, changes: changesBetween(name.toLowerCase(), each.toLowerCase(), most) }))
    .filter(({ changes }) => changes <= most)
    .sort((a, b) => a.changes - b.changes);
  return near[0]?.each;
}

/** Returns the edit distance of Levenshtein; any number above `most` if it is more. */
function changesBetween(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(from).entries()) {
    const next = [index + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const changed = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
