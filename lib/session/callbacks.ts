import { promisify } from "node:util";

/** How what is on the way of every request is answered: by a callback, once, with an error or with what was asked for. */
export type Done<Value> = (error?: unknown, value?: Value) => void;

/** A callback of express-session, or of whoever else calls a store. */
export type Callback = (error?: unknown, value?: unknown) => void;

/** Goes on with what was asked for; an error of that, and whatever goes wrong then, is handed to `done`. */
export function failingTo<Value>(done: Done<never>, goOn: (value: Value | undefined) => void): Done<Value> {
  return (error, value) => {
    if (error !== undefined) {
      done(error);
      return;
    }
    try {
      goOn(value);
    } catch (thrown) {
      done(thrown);
    }
  };
}

/** Answers as a promise does. */
export function forward<Value>(promise: Promise<Value>, done: Done<Value>): void {
  promise.then((value) => {
    done(undefined, value);
  }, done);
}

/** For what is done by callbacks: whoever passed none may await a promise, and need not. */
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
 * Calls back once, and never from within a promise: what the callback throws is not this package's to catch. Whoever passed
 * no callback may await the promise, and need not.
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
  promise.catch(() => undefined);
  return promise;
}
