import type { CompactVerifyGetKey } from "jose";
import { isObject } from "../options/checks.js";
import { debugError, ignored } from "../util/debug.js";
import { loadJose } from "../jose/load-jose.js";
import { Refusal } from "./refusal.js";

/** A provider gives 2.5 seconds for an answer, and its logout page waits for all clients. */
const TIMEOUT_MS = 1_000;
/** A `kid` that is not known asks for the keys once in this time. */
const COOL_DOWN_MS = 30_000;
/** After this time the keys are fetched again, beside the request. */
const REFRESH_MS = 600_000;
/** After this time no key is used before the provider has confirmed it. */
const MAX_AGE_MS = 3_600_000;
/** So long no keys are asked for after a failure, so that tokens of strangers do not become requests to the provider. */
const PAUSE_MS = 2_000;
const NO_KEY = ["ERR_JWKS_NO_MATCHING_KEY", "ERR_JWKS_MULTIPLE_MATCHING_KEYS"];

type KeySet = ReturnType<ReturnType<typeof loadJose>["createRemoteJWKSet"]>;

/** The keys of a provider, cached. They are fetched from its one address: no token says where. */
export class ProviderKeys {
  readonly #url: URL;
  #set: KeySet | undefined;
  #fetchedAt = -Infinity;
  #failedAt = -Infinity;

  constructor(jwksUri: string) {
    this.#url = new URL(jwksUri);
  }

  /** Fetches the keys, unless they are known: called at a login, because a logout token may follow, and the provider is there. */
  prefetch(): void {
    if (this.#fetchedAt !== -Infinity || this.#isPaused) return;
    // Where jose cannot be loaded, the login goes on.
    const reload = async (): Promise<void> => this.#load().reload();
    reload().catch(ignored("the keys of an identity provider could not be fetched ahead"));
  }

  /** Returns the key of a token. @throws Refusal `key`, `keys` */
  readonly get: CompactVerifyGetKey = async (header, token) => {
    try {
      const set = this.#load();
      if (set.fresh && Date.now() - this.#fetchedAt > REFRESH_MS && !this.#isPaused) {
        set.reload().catch(ignored("the keys of an identity provider could not be refreshed"));
      }
      return await set(header, token);
    } catch (error) {
      if (NO_KEY.includes(String((error as { code?: unknown } | null)?.code))) throw new Refusal("key");
      debugError("the keys of an identity provider could not be fetched", error);
      throw new Refusal("keys");
    }
  };

  get #isPaused(): boolean {
    return Date.now() - this.#failedAt < PAUSE_MS;
  }

  #load(): KeySet {
    const { createRemoteJWKSet, customFetch } = loadJose();
    this.#set ??= createRemoteJWKSet(this.#url, {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: COOL_DOWN_MS,
      cacheMaxAge: MAX_AGE_MS,
      [customFetch]: (url: string, options: RequestInit) => this.#fetch(url, options),
    });
    return this.#set;
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    if (this.#isPaused) throw new Error("The last attempt has just failed.");
    try {
      const response = await fetch(url, options);
      if (response.status !== 200) throw new Error(`The provider responded with ${String(response.status)}.`);
      // The time limit covers the body: one that stalls or holds no keys is a failure as well.
      const body: unknown = await response.json();
      if (!isKeySet(body)) throw new Error("The provider responded with no key set.");
      this.#fetchedAt = Date.now();
      return Response.json(body);
    } catch (error) {
      this.#failedAt = Date.now();
      throw error;
    }
  }
}

function isKeySet(body: unknown): boolean {
  const keys = isObject(body) ? (body as { readonly keys?: unknown }).keys : undefined;
  return Array.isArray(keys) && keys.every(isObject);
}
