import assert from "node:assert/strict";
import { LogoutError, type LogoutErrorCode } from "../../errors.js";

const PATIENCE_MS = 10_000;

/** Asserts deep equality. A field that is `undefined` equals an absent one. */
export function same(actual: unknown, expected: unknown): void {
  assert.deepEqual(withoutUndefined(actual), withoutUndefined(expected));
}

/** Asserts that a value has these fields. Others do not count. */
export function matches(actual: unknown, expected: unknown): void {
  same(picked(actual, expected), expected);
}

export function isTrue(actual: boolean, message: string): void {
  assert.ok(actual, message);
}

/** Asserts that a call rejects with this code. */
export async function rejects(call: () => Promise<unknown>, code: LogoutErrorCode): Promise<void> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    if (LogoutError.is(error, code)) return;
    throw error;
  }
  assert.fail(`expected ${code}, got ${JSON.stringify(result)}`);
}

/** Asks until the result is the expected one, because logins expire by the clock of the registry. */
export async function eventually(ask: () => unknown, expected: unknown): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const actual = await ask();
    if (JSON.stringify(actual) === JSON.stringify(expected)) return;
    if (Date.now() > end) same(actual, expected);
    await pause(1);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (!isPlain(value)) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutUndefined(field)]));
}

function picked(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.map((item, index) => (index < expected.length ? picked(item, expected[index]) : (item as unknown)));
  }
  if (!isPlain(actual) || !isPlain(expected)) return actual;
  return Object.fromEntries(Object.keys(expected).map((name) => [name, picked(actual[name], expected[name])]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
