/** How what is on the way of every request is answered: by a callback, once, with an error or with what was asked for. */
export type Done<Value> = (error?: unknown, value?: Value) => void;

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
export function settle<Value>(promise: Promise<Value>, done: Done<Value>): void {
  promise.then((value) => {
    done(undefined, value);
  }, done);
}
