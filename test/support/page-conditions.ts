import type { CDPSession, Page } from "playwright-core";
import type { IsPossible } from "./pairwise.js";

/** What readers of the pages differ in. `zoom` is that of the browser, in percent. */
export const CONDITIONS = {
  script: [true, false],
  language: ["en", "zh"],
  width: [320, 390, 768, 1024, 1440],
  zoom: [100, 200, 400],
  colours: ["light", "dark", "forced"],
  motion: ["full", "reduced"],
} as const;

export type Condition = { readonly [Name in keyof typeof CONDITIONS]: (typeof CONDITIONS)[Name][number] };

/** The height of the screen, in CSS pixels at 100 %. */
const HEIGHT = 900;
/** A page has to fit into 320 CSS pixels (WCAG 2.2, 1.4.10): 1024 at 400 % is narrower, and is tried as well. */
const NARROWEST = 256;

/** How wide the page is in a window of this width at this zoom, in CSS pixels. */
export const cssWidth = ({ width, zoom }: Pick<Condition, "width" | "zoom">): number => (width * 100) / zoom;

/** No one zooms a phone's page to 80 pixels. */
export const isPossibleCondition: IsPossible<typeof CONDITIONS> = ({ width, zoom }) =>
  width === undefined || zoom === undefined || cssWidth({ width, zoom }) >= NARROWEST;

/** Gives an open page the width, zoom, colours and motion of a reader. */
export async function setCondition(page: Page, condition: Condition): Promise<void> {
  const { zoom, colours, motion } = condition;
  await page.setViewportSize({ width: cssWidth(condition), height: Math.round((HEIGHT * 100) / zoom) });
  await page.emulateMedia({
    colorScheme: colours === "dark" ? "dark" : "light",
    forcedColors: colours === "forced" ? "active" : "none",
    reducedMotion: motion === "reduced" ? "reduce" : "no-preference",
  });
}

/** Switches scripts off, and on again for a look at the page: axe waits by timers, which a page without scripts does not have. */
export class ScriptSwitch {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  static async of(page: Page): Promise<ScriptSwitch> {
    return new ScriptSwitch(await page.context().newCDPSession(page));
  }

  async set(isOn: boolean): Promise<void> {
    await this.#session.send("Emulation.setScriptExecutionDisabled", { value: !isOn });
  }
}
