/** Returns an object that forwards every access to the target that is current at the time of the access. */
export function forwardTo<Target extends object>(current: () => Target): Target {
  return new Proxy({} as Target, {
    get: (_proxy, name) => {
      const target = current();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
