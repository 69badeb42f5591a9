/** An object that passes everything on to the object that is current at the time of the call. */
export function forwardTo<Target extends object>(current: () => Target): Target {
  return new Proxy({} as Target, {
    get: (_following, name) => {
      const target = current();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
