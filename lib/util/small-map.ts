/** A map that mostly has one entry, for which a `Map` would take three times the memory. Neither keys nor values are `undefined`. */
export class SmallMap<Key, Value> {
  #onlyKey: Key | undefined;
  #onlyValue: Value | undefined;
  /** All entries, once there have been two at a time. */
  #all: Map<Key, Value> | undefined;

  get size(): number {
    return this.#all?.size ?? Number(this.#onlyKey !== undefined);
  }

  get(key: Key): Value | undefined {
    if (this.#all !== undefined) return this.#all.get(key);
    return this.#onlyKey === key ? this.#onlyValue : undefined;
  }

  set(key: Key, value: Value): void {
    if (this.#all === undefined && this.#onlyKey !== undefined && this.#onlyKey !== key) {
      this.#all = new Map(this.#onlyValue === undefined ? [] : [[this.#onlyKey, this.#onlyValue]]);
      this.#setOnly(undefined, undefined);
    }
    if (this.#all === undefined) this.#setOnly(key, value);
    else this.#all.set(key, value);
  }

  delete(key: Key): void {
    this.#all?.delete(key);
    if (this.#onlyKey === key) this.#setOnly(undefined, undefined);
  }

  clear(): void {
    this.#all = undefined;
    this.#setOnly(undefined, undefined);
  }

  /** Returns the values, the oldest entry first. Entries may be deleted meanwhile. */
  values(): Iterable<Value> {
    if (this.#all !== undefined) return this.#all.values();
    return this.#onlyValue === undefined ? [] : [this.#onlyValue];
  }

  #setOnly(key: Key | undefined, value: Value | undefined): void {
    this.#onlyKey = key;
    this.#onlyValue = value;
  }
}
