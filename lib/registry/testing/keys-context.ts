import { randomBytes } from "node:crypto";
import type { KeyDigest, KeyIndex, KeyRow, LoginRegistry } from "../../types/registry.js";
import { HOUR_MS, unique, type RegistryContext } from "./context.js";
import type { Suite } from "./suite.js";

/** Later than any time that is in use. */
export const LATEST = 1e12;
/** A pool of connections refuses calls that wait for too long. */
export const AT_ONCE = 50;

/** What a test of `keys` uses. */
export interface Keyed {
  readonly registry: LoginRegistry;
  readonly keys: KeyIndex;
  readonly context: RegistryContext;
  /** A key that no other test has. */
  readonly key: KeyDigest;
  /** Binds a row for an hour. */
  readonly bind: (row: KeyRow) => ReturnType<KeyIndex["bind"]>;
  /** Reads the rows of a key, in an order of their own. */
  readonly rows: (key?: KeyDigest) => Promise<KeyRow[]>;
}

export type KeyTest = (title: string, body: (keyed: Keyed) => Promise<void>) => void;

export const newKey = (): KeyDigest => randomBytes(16).toString("base64url");

export const newRow = (since?: number, more: Partial<KeyRow> = {}): KeyRow => ({
  userId: "alice",
  loginId: unique("login"),
  since,
  ...more,
});

export async function readRows(keys: KeyIndex, key: KeyDigest): Promise<KeyRow[]> {
  const found: KeyRow[] = [];
  for await (const rows of keys.rows(key)) found.push(...rows);
  return inOrder(found);
}

/** Returns a text that no row of another login has. */
export const textOf = ({ userId, loginId }: KeyRow): string => JSON.stringify([userId, loginId]);

/** Sorts rows, whose order means nothing. */
export function inOrder(rows: readonly KeyRow[]): KeyRow[] {
  return [...rows].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

/** Returns a function that registers a test of `keys`. It passes without a check on a registry that has none. */
export function keyTest(suite: Suite): KeyTest {
  return (title, body) => {
    suite.test(title, async (context) => {
      const { registry } = context;
      const { keys } = registry;
      if (keys === undefined) return;
      const key = newKey();
      const bind: Keyed["bind"] = (row) => keys.bind(key, row, HOUR_MS);
      const rows: Keyed["rows"] = (another = key) => readRows(keys, another);
      await body({ registry, keys, context, key, bind, rows });
    });
  };
}
