import { LRUCache } from "lru-cache";

/**
 * Returns a cache of the most recently used entries. It takes memory as it fills: with `max`, an LRUCache takes that of all entries
 * at once, which costs apps with few users, and tests that make many apps.
 */
export function lru<Value extends object | true>(entries: number): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ maxSize: entries, sizeCalculation: () => 1 });
}
