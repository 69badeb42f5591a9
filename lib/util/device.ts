import Bowser from "bowser";
import { LRUCache } from "lru-cache";

/** What a `User-Agent` header says about the device. */
export interface Device {
  /** `"desktop"`, `"mobile"`, `"tablet"`, `"tv"`, `"bot"` …, or `"client"`: a program that is no browser. */
  readonly kind: string | undefined;
  /** For example `"Chrome 126"`; of a program, such as `"curl 8"`. */
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

/** What is no browser names itself first. Source: RFC 9110 section 10.1.5. */
const PROGRAM = /^(?!Mozilla\b)([a-z][\w.-]{0,39})(?:\/v?(\d+))?/i;

function parse(userAgent: string): Device {
  const { browser, os, platform } = Bowser.parse(userAgent);
  const [, program, version] = PROGRAM.exec(userAgent) ?? [];
  if (!browser.name && os.name === undefined && program !== undefined) {
    return { ...UNKNOWN, kind: "client", browser: [program, version].filter(Boolean).join(" ") };
  }
  const name = [browser.name, browser.version?.split(".")[0]].filter(Boolean).join(" ");
  return { kind: platform.type, browser: name === "" ? undefined : name, system: os.name, model: platform.model };
}

/** Devices that people know by their own name rather than by that of its system. */
const NAMED = /^i(?:Phone|Pad|Pod)\b/;

/** Returns for example `Chrome 126 on Linux` or `Safari 18 on iPhone`, in the word order of the language, or the part that is known. */
export function deviceInWords(
  { browser, model, system: named }: Device,
  join: (browser: string, system: string) => string,
): string | undefined {
  const system = model !== undefined && NAMED.test(model) ? model : named;
  return browser !== undefined && system !== undefined ? join(browser, system) : (browser ?? system);
}
