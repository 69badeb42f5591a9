import type { Browser } from "./http.js";
import type { Random } from "./random.js";
import type { Site } from "./site.js";

/** Users who log in and out at random, by requests to the app. */
export class Traffic {
  logins = 0;
  logouts = 0;
  readonly #site: Site;
  readonly #random: Random;
  readonly #browsers: Browser[] = [];
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(site: Site, random: Random) {
    this.#site = site;
    this.#random = random;
  }

  async logIn(userId: string, headers: Record<string, string> = {}): Promise<void> {
    this.#browsers.push(await this.#site.login(userId, headers));
    this.logins += 1;
  }

  /** Begins, with so many users at a time. */
  begin(userIds: readonly string[], atOnce: number): void {
    this.#running = Promise.all(Array.from({ length: atOnce }, () => this.#go(userIds)));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #go(userIds: readonly string[]): Promise<void> {
    while (!this.#isOver) {
      const isLogin = this.#browsers.length < 10 || this.#random.chance(0.5);
      if (isLogin) await this.logIn(this.#random.of(userIds));
      else await this.#logOut();
      await new Promise((resolve) => setTimeout(resolve, this.#random.whole(5, 60)));
    }
  }

  async #logOut(): Promise<void> {
    const [browser] = this.#browsers.splice(this.#random.whole(0, this.#browsers.length - 1), 1);
    if (browser === undefined) return;
    await browser.post("/login/profile/logout");
    this.logouts += 1;
  }
}
