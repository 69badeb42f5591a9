import { LRUCache } from "lru-cache";

/**
 * Returns a cache of the most recently used entries. Memory grows with the entries: with the option `max`, an LRUCache allocates
 * for all of them at once, which is expensive for apps with few users and for tests that create many apps.
 */
export function lru<Value extends object | true>(entries: number): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ maxSize: entries, sizeCalculation: () => 1 });
}
