import Bowser from "bowser";

/** A device in words, as far as its `User-Agent` tells. */
export interface Device {
  /** `"desktop"`, `"mobile"`, `"tablet"`, `"tv"`, `"bot"` … */
  readonly device?: string | undefined;
  /** For example `"Chrome 126 on Linux"`. */
  readonly browser?: string | undefined;
}

export function describeDevice(userAgent: string | undefined): Device {
  if (userAgent === undefined) return {};
  const { browser, os, platform } = Bowser.parse(userAgent);
  const major = browser.version?.split(".")[0];
  const name = [browser.name, major].filter(Boolean).join(" ");
  const words = [name, os.name].filter(Boolean).join(" on ");
  return { device: platform.type, browser: words === "" ? undefined : words };
}
