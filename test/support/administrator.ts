import type { Page } from "playwright-core";
import { SUBMIT } from "./console-browser.js";
import type { Random } from "./random.js";

/** What stands under a pointer. */
export interface Target {
  readonly user: string | undefined;
  readonly login: string | undefined;
}

/** What an administrator has said yes to. */
export interface Confirmed {
  readonly userIds: readonly string[];
  readonly loginId: string | undefined;
}

const KINDS = {
  box: "tbody .tick",
  opener: "tbody tr[data-user] > .act [data-dialog]",
  login: "tr.logins:not([hidden]) [data-login] [data-dialog]",
  pill: "[data-pill]",
} as const;

/** Clicks in an open console with a real mouse, and notes each click that has concerned another row than the one under the pointer. */
export class Administrator {
  readonly wrong: string[] = [];
  readonly confirmed: Confirmed[] = [];
  clicks = 0;
  /** How often the user or login was offline before the click. */
  late = 0;
  /** How many clicks did nothing. */
  lost = 0;
  readonly #page: Page;
  readonly #random: Random;
  /** Waits with the pointer on a row, before the press. */
  readonly #dwell: () => Promise<void>;

  constructor(page: Page, random: Random, dwell: () => Promise<void>) {
    this.#page = page;
    this.#random = random;
    this.#dwell = dwell;
  }

  /** Records in every page what was under the pointer when it was pressed. */
  static async watch(page: Page): Promise<void> {
    await page.addInitScript(() => {
      const targetOf = (element: Element | null) => ({
        user:
          element?.closest<HTMLElement>("tr[data-user]")?.dataset["user"] ??
          element?.closest<HTMLElement>("tr.logins")?.dataset["loginsOf"],
        login: element?.closest<HTMLElement>("[data-login]")?.dataset["login"],
      });
      const seen = globalThis as unknown as { targetOf: typeof targetOf; pressed?: ReturnType<typeof targetOf> };
      seen.targetOf = targetOf;
      addEventListener("pointerdown", ({ target }) => (seen.pressed = targetOf(target as Element)), { capture: true });
    });
  }

  /** Does something at random. */
  async act(): Promise<void> {
    await this.#scroll();
    const chance = this.#random.next();
    if (chance < 0.5) await this.#tick();
    else if (chance < 0.7) await this.#forceOffline("opener");
    else if (chance < 0.8) await this.#forceOffline("login");
    else if (chance < 0.9) await this.#open();
    else if (chance < 0.95) await this.#forceSelected();
    else await this.#showNewcomers();
  }

  /** Moves the pointer to a control in sight, waits, presses, and returns what was pressed; `undefined` if there is none. */
  async #press(kind: keyof typeof KINDS): Promise<Target | undefined> {
    const points = await this.#page.evaluate((selector) => {
      const inSight = [...document.querySelectorAll(selector)].flatMap((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        const point = { x: x + width / 2, y: y + height / 2 };
        const isOwn = element.closest("tr")?.querySelector(".badge.you") !== null;
        return !isOwn && element.contains(document.elementFromPoint(point.x, point.y)) ? [point] : [];
      });
      return inSight;
    }, KINDS[kind]);
    if (points.length === 0) return undefined;
    const { x, y } = this.#random.of(points);
    await this.#page.mouse.move(x, y, { steps: 2 });
    const aimed = await this.#target("under", x, y);
    await this.#dwell();
    await this.#page.mouse.down();
    await new Promise((resolve) => setTimeout(resolve, this.#random.whole(0, 40)));
    await this.#page.mouse.up();
    this.clicks += 1;
    const pressed = await this.#target("pressed");
    if (pressed.user !== aimed.user || pressed.login !== aimed.login) {
      this.wrong.push(`aimed at ${JSON.stringify(aimed)}, and pressed ${JSON.stringify(pressed)}`);
    }
    return pressed;
  }

  #target(of: "under" | "pressed", x = 0, y = 0): Promise<Target> {
    return this.#page.evaluate(
      ({ isPressed, at }) => {
        const seen = globalThis as unknown as { targetOf: (element: Element | null) => Target; pressed: Target };
        return isPressed ? seen.pressed : seen.targetOf(document.elementFromPoint(at.x, at.y));
      },
      { isPressed: of === "pressed", at: { x, y } },
    );
  }

  async #tick(): Promise<void> {
    const before = await this.#selected();
    const pressed = await this.#press("box");
    if (pressed === undefined) return;
    this.#expect("ticked", difference(before, await this.#selected()), [pressed.user]);
  }

  async #open(): Promise<void> {
    const before = await this.#opened();
    const pressed = await this.#press("pill");
    if (pressed === undefined) return;
    const opened = difference(before, await this.#opened());
    // A refresh between press and release replaces the button: the click then does nothing, which harms no one.
    if (opened.length === 0) this.lost += 1;
    else this.#expect("opened", opened, [pressed.user]);
  }

  async #forceOffline(kind: "opener" | "login"): Promise<void> {
    const pressed = await this.#press(kind);
    if (pressed === undefined) return;
    const asked = await this.#asked();
    if (asked === undefined) return;
    this.#expect("asked about", asked.userIds, [pressed.user]);
    this.#expect("asked about the login", [asked.loginId], [pressed.login]);
    await this.#decide(asked, 0.6);
  }

  async #forceSelected(): Promise<void> {
    const selected = await this.#selected();
    const button = this.#page.locator("[data-selection] button.danger");
    if (selected.length === 0 || !(await button.isVisible())) return;
    await this.#click("[data-selection] button.danger");
    const asked = await this.#asked();
    if (asked === undefined) return;
    this.#expect("asked about the selection", [...asked.userIds].sort(), [...selected].sort());
    await this.#decide(asked, 0.4);
  }

  async #showNewcomers(): Promise<void> {
    if (!(await this.#page.locator("[data-newcomers]").isVisible())) return;
    const before = await this.#selected();
    await this.#click("[data-newcomers]");
    await this.#page.waitForSelector("[data-newcomers]", { state: "hidden" }).catch(() => undefined);
    this.#expect("selected after newcomers were shown", await this.#selected(), before);
  }

  /** Waits for a dialog, and returns whom it names; `undefined` if they were offline before. */
  async #asked(): Promise<Confirmed | undefined> {
    await this.#page.waitForFunction(() => document.querySelector("[aria-busy]") === null);
    const dialog = this.#page.locator("dialog[open]");
    if ((await dialog.count()) === 0) {
      this.late += 1;
      return undefined;
    }
    const value = await dialog.locator("[name=selection]").inputValue();
    const { userIds = [], loginId } = JSON.parse(Buffer.from(value, "base64url").toString()) as Partial<Confirmed>;
    const text = await dialog.innerText();
    for (const userId of userIds.slice(0, 20)) {
      if (!text.includes(userId)) this.wrong.push(`the dialog does not name ${userId}`);
    }
    return { userIds, loginId };
  }

  async #decide(asked: Confirmed, yes: number): Promise<void> {
    const isYes = this.#random.chance(yes);
    if (isYes) this.confirmed.push(asked);
    await this.#click(isYes ? SUBMIT : "dialog [data-cancel]");
    await this.#page.waitForSelector("dialog", { state: "detached" });
  }

  /** Presses what no refresh moves. */
  async #click(selector: string): Promise<void> {
    await this.#page.click(selector);
    this.clicks += 1;
  }

  #selected(): Promise<string[]> {
    return this.#page.evaluate(() =>
      [...document.querySelectorAll<HTMLInputElement>("[data-table] input[name=user]")]
        .filter((box) => box.type === "hidden" || box.checked)
        .map(({ value }) => value)
        .sort(),
    );
  }

  #opened(): Promise<string[]> {
    return this.#page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("tr.logins:not([hidden])")].map(
        (row) => row.dataset["loginsOf"] ?? "",
      ),
    );
  }

  #expect(what: string, found: readonly unknown[], wanted: readonly unknown[]): void {
    if (JSON.stringify(found) === JSON.stringify(wanted)) return;
    this.wrong.push(`${what} ${JSON.stringify(found)}, and meant ${JSON.stringify(wanted)}`);
  }

  async #scroll(): Promise<void> {
    if (!this.#random.chance(0.1)) return;
    await this.#page.evaluate((part) => {
      scrollTo({ top: part * document.documentElement.scrollHeight, behavior: "instant" });
    }, this.#random.next());
  }
}

/** What only one of two sets has. */
function difference(one: readonly string[], other: readonly string[]): string[] {
  return [...one.filter((each) => !other.includes(each)), ...other.filter((each) => !one.includes(each))];
}
