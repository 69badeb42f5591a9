import { promisify } from "node:util";

/** A callback on the path of every request: called once, with an error or a value. */
export type Done<Value> = (error?: unknown, value?: Value) => void;

/** A callback of express-session, or of other code that calls a store. */
export type Callback = (error?: unknown, value?: unknown) => void;

/** Returns a callback that runs `next` with the value, and passes its error, or one thrown by `next`, to `done`. */
export function failingTo<Value>(done: Done<never>, next: (value: Value | undefined) => void): Done<Value> {
  return (error, value) => {
    if (error !== undefined) {
      done(error);
      return;
    }
    try {
      next(value);
    } catch (thrown) {
      done(thrown);
    }
  };
}

/** Calls back with the result of a promise. */
export function forward<Value>(promise: Promise<Value>, done: Done<Value>): void {
  promise.then((value) => {
    done(undefined, value);
  }, done);
}

/** Runs an action that calls back. Without a callback, returns a promise that need not be awaited. */
export function byCallback(
  callback: Callback | undefined,
  act: (callback: Callback) => void,
): Promise<unknown> | undefined {
  if (typeof callback === "function") {
    act(callback);
    return undefined;
  }
  return handled(promisify(act)());
}

/**
 * Calls back with the result of a promise, in a tick of its own: an exception of the callback must not be caught here. Without a
 * callback, returns a promise that need not be awaited.
 */
export function toCallback(done: Promise<void>, callback: Callback | undefined): Promise<void> {
  if (typeof callback !== "function") return handled(done);
  return done.then(
    () => {
      process.nextTick(callback, null);
    },
    (error: unknown) => {
      process.nextTick(callback, error);
    },
  );
}

function handled<T>(promise: Promise<T>): Promise<T> {
  // The caller has the promise, and need not look at it.
  promise.catch(() => undefined);
  return promise;
}
