/** Random numbers that a seed repeats (mulberry32). */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An order that a seed repeats. */
export function shuffler(seed) {
  const random = randomOf(seed);
  return (items) => {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = Math.floor(random() * (last + 1));
      [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
    }
    return shuffled;
  };
}

/** Every slice once a round, in an order that changes: what the machine does meanwhile then hits all of them alike. */
export async function runRounds({ rounds, seed, slices, run, onRound = () => {} }) {
  const shuffle = shuffler(seed);
  for (let round = 0; round < rounds; round += 1) {
    for (const slice of shuffle(slices)) await run(slice, round);
    onRound(round);
  }
}

export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)];
  return below + (sorted[Math.ceil(place)] - below) * (place % 1);
}

/** The median with its quartiles. */
export function spread(values) {
  const [low, median, high] = [0.25, 0.5, 0.75].map((part) => quantile(values, part));
  return { median, low, high };
}

/** Of two series that were measured in the same rounds, how one relates to the other. `interval`: of the median, by bootstrap. */
export function pairedRatios(values, base) {
  const ratios = values.map((value, round) => value / base[round]);
  return { ...spread(ratios), interval: bootstrap(ratios, 1, (drawn) => quantile(drawn, 0.5)) };
}

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The geometric mean with its 95 % interval, by bootstrap, under the names of a {@link spread}. */
export function interval(values, seed) {
  return { median: geometricMean(values), ...bootstrap(values, seed, geometricMean) };
}

/** The 95 % interval of a figure of these values. */
function bootstrap(values, seed, figureOf) {
  const random = randomOf(seed);
  const figures = Array.from({ length: 2_000 }, () =>
    figureOf(values.map(() => values[Math.floor(random() * values.length)])),
  );
  return { low: quantile(figures, 0.025), high: quantile(figures, 0.975) };
}

/**
 * Whether a figure keeps within a limit, by its 95 % interval. An interval with the limit inside is too wide to judge: `met` is then
 * absent.
 */
export function atMost({ low, high }, limit) {
  const target = `≤ ${limit.toLocaleString("en")}`;
  if (high <= limit) return { target, met: true };
  return low > limit ? { target, met: false } : { target, isUnclear: true };
}

/** The same of a figure that must reach a limit. */
export function atLeast({ low, high }, limit) {
  const target = `≥ ${limit.toLocaleString("en")}`;
  if (low >= limit) return { target, met: true };
  return high < limit ? { target, met: false } : { target, isUnclear: true };
}
