import Bowser from "bowser";
import { LRUCache } from "lru-cache";

/** What a `User-Agent` header says about the device. */
export interface Device {
  /** `"desktop"`, `"mobile"`, `"tablet"`, `"tv"`, `"bot"` … */
  readonly kind: string | undefined;
  /** For example `"Chrome 126"`. */
  readonly browser: string | undefined;
  /** For example `"Linux"`. */
  readonly system: string | undefined;
  /** For example `"iPhone"`, where it is known. */
  readonly model: string | undefined;
}

const UNKNOWN: Device = { kind: undefined, browser: undefined, system: undefined, model: undefined };
/** Parsing a `User-Agent` is the slowest part of rendering a row, and most users share a few of them. */
const devices = new LRUCache<string, Device>({ max: 500, memoMethod: parse });

export function readDevice(userAgent: string | undefined): Device {
  return userAgent === undefined ? UNKNOWN : devices.memo(userAgent);
}

function parse(userAgent: string): Device {
  const { browser, os, platform } = Bowser.parse(userAgent);
  const name = [browser.name, browser.version?.split(".")[0]].filter(Boolean).join(" ");
  return { kind: platform.type, browser: name === "" ? undefined : name, system: os.name, model: platform.model };
}

/** Returns for example `Chrome 126 on Linux`, in the word order of the language, or the part that is known. */
export function deviceInWords(
  { browser, system }: Device,
  join: (browser: string, system: string) => string,
): string | undefined {
  return browser !== undefined && system !== undefined ? join(browser, system) : (browser ?? system);
}
