interface Use {
  count: number;
  readonly stop: () => void;
}

/** What is published to a provider, by application. */
const USES = new WeakMap<object, Map<string, Use>>();

/**
 * Starts once for each provider and application, and stops with the last one who uses it: the messages on channels name an application,
 * so two who listen would count everything twice.
 *
 * @returns the function that stops. Call it once.
 */
export function shared(provider: object, appId: string, start: () => () => void): () => void {
  const uses = USES.get(provider) ?? new Map<string, Use>();
  USES.set(provider, uses);
  const use = uses.get(appId) ?? { count: 0, stop: start() };
  uses.set(appId, use);
  use.count += 1;
  return () => {
    use.count -= 1;
    if (use.count > 0) return;
    uses.delete(appId);
    use.stop();
  };
}
