import type { LoginRegistry } from "../../types/registry.js";
import { activeUsersTests } from "./active-users.js";
import { addTests } from "./add.js";
import { adoptTests } from "./adopt.js";
import { applicationTests } from "./applications.js";
import { concurrencyTests } from "./concurrency.js";
import { RegistryContext } from "./context.js";
import { endConditionTests } from "./end-conditions.js";
import { endTests } from "./end.js";
import { historyTests } from "./history.js";
import { keyTests } from "./keys.js";
import { keyOutageTests, keysAtOnceTests } from "./keys-at-once.js";
import { kickTests } from "./kick.js";
import { lifetimeTests } from "./lifetimes.js";
import { limitTests } from "./limits.js";
import { listTests } from "./lists.js";
import { outageTests, type Outage } from "./outage.js";
import { sparingKickTests } from "./sparing-kick.js";
import { subscriptionTests } from "./subscribe.js";
import type { Suite, TestRunner } from "./suite.js";
import { scanLoginsTests } from "./scan-logins.js";
import { updateTests } from "./update.js";

export type { Outage } from "./outage.js";
export type { TestRunner } from "./suite.js";

/** How the suite gets registries. */
export interface RegistryUnderTest {
  /**
   * Creates a registry. Two with the same `space` share their data, as two processes do; two with different ones do not. The suite
   * calls `init` with `space` as the `appId`.
   */
  readonly create: (space: string) => LoginRegistry | Promise<LoginRegistry>;
  /** Makes the data unreachable, and reachable again. Without it, the tests of outages are left out. */
  readonly outage?: Outage | undefined;
}

const TOPICS: readonly ((suite: Suite) => void)[] = [
  addTests,
  listTests,
  updateTests,
  endTests,
  endConditionTests,
  kickTests,
  sparingKickTests,
  adoptTests,
  limitTests,
  lifetimeTests,
  activeUsersTests,
  scanLoginsTests,
  historyTests,
  keyTests,
  keysAtOnceTests,
  applicationTests,
  subscriptionTests,
  concurrencyTests,
];

/**
 * Registers the tests of the contract of `LoginRegistry`. Every test creates a registry of its own.
 *
 * @example
 * ```ts
 * import { describe, it } from "node:test";
 * import { MemoryLoginRegistry } from "express-logout";
 * import { testRegistry } from "express-logout/registry/testing";
 *
 * const registries = new Map<string, MemoryLoginRegistry>();
 * const create = (space: string) => {
 *   const registry = registries.get(space) ?? new MemoryLoginRegistry();
 *   registries.set(space, registry);
 *   return registry;
 * };
 * testRegistry("MemoryLoginRegistry", { create }, { describe, it });
 * ```
 */
export function testRegistry(name: string, registry: RegistryUnderTest, runner: TestRunner): void {
  const suite: Suite = {
    describe: (topic, body) => {
      runner.describe(topic, body);
    },
    test: (title, body) => {
      runner.it(title, async () => {
        const context = await RegistryContext.open(registry.create);
        try {
          await body(context);
        } finally {
          await context.close();
        }
      });
    },
  };
  runner.describe(name, () => {
    for (const register of TOPICS) register(suite);
    if (registry.outage === undefined) return;
    outageTests(suite, registry.outage);
    keyOutageTests(suite, registry.outage);
  });
}
