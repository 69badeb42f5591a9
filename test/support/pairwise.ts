/** What a test varies, each with its values. */
export type Factors = Readonly<Record<string, readonly unknown[]>>;

/** One value of each factor. */
export type Combination<F extends Factors> = { readonly [Name in keyof F]: F[Name][number] };

/** Whether values can stand together. Factors that are not decided yet are missing. */
export type IsPossible<F extends Factors> = (values: Partial<Combination<F>>) => boolean;

type Values = Readonly<Record<string, unknown>>;

/** Returns every possible combination, the last factor changing first. */
export function allCombinations<F extends Factors>(factors: F, isPossible: IsPossible<F>): Combination<F>[] {
  let rows: Values[] = [{}];
  for (const [name, values] of Object.entries(factors)) {
    rows = rows
      .flatMap((row) => values.map((value) => ({ ...row, [name]: value })))
      .filter((row) => isPossible(row as Partial<Combination<F>>));
  }
  return rows as Combination<F>[];
}

/**
 * Returns few combinations in which every possible pair of values occurs. Greedy, and the same at each call: begins a combination with a
 * pair that is missing, and gives each other factor the value by which most missing pairs occur.
 */
export function pairwise<F extends Factors>(factors: F, isPossible: IsPossible<F>): Combination<F>[] {
  const may = (values: Values): boolean => isPossible(values as Partial<Combination<F>>);
  const missing = pairsOf(factors, may);
  const rows: Values[] = [];
  for (const [first] of missing.values()) {
    if (!missing.has(keyOf(first))) continue;
    let row: Values = first;
    for (const [name, values] of Object.entries(factors)) {
      if (name in row) continue;
      const candidates = values.map((value) => ({ ...row, [name]: value })).filter(may);
      const [best] = candidates.sort((a, b) => countMissing(b, missing) - countMissing(a, missing));
      if (best === undefined) throw new Error(`No ${name} is possible with ${JSON.stringify(row)}.`);
      row = best;
    }
    for (const pair of pairsIn(row)) missing.delete(keyOf(pair));
    rows.push(row);
  }
  return rows as Combination<F>[];
}

/** All possible pairs of values of two factors, by their keys. */
export function pairsOf(factors: Factors, may: (values: Values) => boolean): Map<string, readonly [Values]> {
  const single = Object.entries(factors).map(([name, values]) => values.map((value) => ({ [name]: value })));
  const pairs = single.flatMap((some, index) =>
    single.slice(index + 1).flatMap((others) => some.flatMap((one) => others.map((other) => ({ ...one, ...other })))),
  );
  return new Map(pairs.filter(may).map((pair) => [keyOf(pair), [pair]]));
}

/** The pairs of values in a combination. */
export function pairsIn(row: Values): Values[] {
  const entries = Object.entries(row);
  return entries.flatMap(([name, value], index) =>
    entries.slice(index + 1).map(([other, itsValue]) => ({ [name]: value, [other]: itsValue })),
  );
}

/** The key of a pair, in whatever order its factors were decided. */
export function keyOf(pair: Values): string {
  return JSON.stringify(Object.entries(pair).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function countMissing(row: Values, missing: ReadonlyMap<string, unknown>): number {
  return pairsIn(row).filter((pair) => missing.has(keyOf(pair))).length;
}
