import type { ListedLogin, LoginRegistry, RegistryApplication } from "../types/registry.js";

/** Marks the registries of this package. `Symbol.for`: the ESM and the CommonJS build may meet in one process. */
export const OWN: unique symbol = Symbol.for("express-logout.own-registry");

/** What registries of this package offer beyond the contract. */
export interface OwnRegistry extends LoginRegistry {
  readonly [OWN]: true;

  /** @param application - `store`: the session store, for a registry that checks it. */
  init(application: RegistryApplication & { readonly store?: unknown }): void;

  /**
   * Returns the session ids of a login if it is listed and this process knows so without a request to the registry. The result must be as current
   * as that of {@link LoginRegistry.find} at the moment in which a session has just been read.
   */
  peek?(userId: string, loginId: string): Pick<ListedLogin, "sids"> | undefined;

  /** Whether `peek` reads the list itself. Nothing is gained then by a lookup that starts before the session is read. */
  readonly peeksAtList?: boolean;

  /** Returns whether the commands of the registry and of this client run in the order in which they were sent. */
  sharesConnection?(client: unknown): boolean;
}

/** Returns the registry if it is one of this package. The methods of others with the same names may promise less. */
export function ownRegistry(registry: LoginRegistry): OwnRegistry | undefined {
  return (registry as Partial<OwnRegistry>)[OWN] === true ? (registry as OwnRegistry) : undefined;
}

/** Initializes a registry. Those of this package also get the session store. */
export function initRegistry(registry: LoginRegistry, application: RegistryApplication, store: unknown): void {
  const own = ownRegistry(registry);
  if (own === undefined) registry.init(application);
  else own.init({ ...application, store });
}
