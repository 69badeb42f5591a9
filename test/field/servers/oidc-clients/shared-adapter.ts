/* eslint-disable @typescript-eslint/require-await -- an adapter is asynchronous */
import type { Adapter, AdapterPayload } from "oidc-provider";

/** What a provider keeps in memory, for another instance of it with other keys: its own memory is that of one instance. */
export function sharedAdapter(): (model: string) => Adapter {
  const kept = new Map<string, AdapterPayload>();
  return (model) => {
    const keyOf = (id: string): string => `${model} ${id}`;
    const all = (): [string, AdapterPayload][] => [...kept].filter(([key]) => key.startsWith(`${model} `));
    return {
      upsert: async (id, payload) => void kept.set(keyOf(id), payload),
      find: async (id) => kept.get(keyOf(id)),
      findByUid: async (uid) => all().find(([, payload]) => payload.uid === uid)?.[1],
      findByUserCode: async (userCode) => all().find(([, payload]) => payload.userCode === userCode)?.[1],
      consume: async (id) => {
        const payload = kept.get(keyOf(id));
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
      },
      destroy: async (id) => void kept.delete(keyOf(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, payload] of all()) if (payload.grantId === grantId) kept.delete(key);
      },
    };
  };
}
