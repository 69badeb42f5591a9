import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { Browser } from "../../../../example-app/company/browser.js";

const ROOT = join(__dirname, "../../../..");

export interface BuiltProcess {
  readonly script: string;
  remove(): void;
}

/** Builds the process for a folder in which `express-logout` is the built package, and each other one the installed one. */
export async function buildProcess(): Promise<BuiltProcess> {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-clients-"));
  mkdirSync(join(folder, "app/node_modules"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "app/node_modules/express-logout"));
  const script = join(folder, "app/process.mjs");
  const options = { bundle: true, packages: "external", platform: "node", format: "esm", target: "node20" } as const;
  const entryPoints = [join(__dirname, "process.ts")];
  await build({ entryPoints, outfile: script, absWorkingDir: ROOT, logLevel: "error", ...options });
  return { script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Addresses, as the process reports them. */
export interface Addresses {
  readonly shop: string;
  /** Another app of the provider, to which it says no `sid`. */
  readonly portal: string;
  readonly idp: string;
  /** Where users log out at the provider. */
  readonly endSession: string;
}

export interface HeldLogin {
  /** Lets it go on. Resolves when the browser has followed it, and the app has responded to all. */
  readonly finish: () => Promise<void>;
}

/** The app of one package and its provider, and what people do in their browsers. */
export class World {
  readonly at: Addresses;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, at: Addresses) {
    this.#child = child;
    this.at = at;
  }

  /** @param name - of the client package */
  static async start(script: string, name: string): Promise<World> {
    const child = fork(script, [name], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let errors = "";
    child.stderr?.on("data", (chunk) => (errors += String(chunk)));
    const at = await new Promise<Addresses>((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", (code) => {
        reject(new Error(`The process ended with ${String(code)}: ${errors.slice(-2_000)}`));
      });
    });
    return new World(child, at);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  browser(): Browser {
    return new Browser({ [this.at.shop]: "shop", [this.at.portal]: "portal", [this.at.idp]: "idp" });
  }

  /** @returns what the app answers */
  async me(browser: Browser, app = this.at.shop): Promise<string> {
    const response = await browser.send(`${app}/me`);
    return `${String(response.status)} ${await response.text()}`;
  }

  /** @returns the session cookie that the browser has now */
  async cookie(browser: Browser): Promise<string> {
    return (await (await browser.send(`${this.at.shop}/cookie`)).json()) as string;
  }

  /** @returns the number of the user's logins */
  async logins(user: string): Promise<number> {
    return (await (await fetch(`${this.at.shop}/logins/${user}`)).json()) as number;
  }

  /** @returns the way of the browser, which ends at the form of the provider */
  startLogin(browser: Browser, app = this.at.shop): Promise<string> {
    return browser.open(`${app}/login`);
  }

  /** @returns the way of the browser, which ends in the app */
  finishLogin(browser: Browser, user: string): Promise<string> {
    return browser.submit({ login: user, password: "any" });
  }

  async loggedIn(user: string): Promise<Browser> {
    const browser = this.browser();
    await this.startLogin(browser);
    await this.finishLogin(browser, user);
    return browser;
  }

  /** Logs out on the pages of the provider, which posts its logout tokens before it answers. @returns the last way */
  async logOutAtProvider(browser: Browser): Promise<string> {
    await browser.open(this.at.endSession);
    return browser.submit({ logout: "yes" });
  }

  /** The next save of a session, or answer with tokens, waits. Resolves when it does, and the browser is at rest. */
  async untilHeld(what: "save" | "tokens", start: () => Promise<string>): Promise<HeldLogin> {
    this.#child.send(`hold ${what}`);
    await once(this.#child, "message");
    const reached = once(this.#child, "message");
    const login = start();
    // express-session sends the head of the answer before it saves. A browser that follows its redirect logs in once more.
    const [answer] = (await reached) as unknown[];
    if (answer === "reached, browser follows") await login;
    const finish = async (): Promise<void> => {
      this.#child.send("open");
      await Promise.all([once(this.#child, "message"), login]);
    };
    return { finish };
  }

  /** The provider signs with a new key, of which the app has not heard. */
  async rotateKeys(): Promise<void> {
    this.#child.send("rotate keys");
    await once(this.#child, "message");
  }

  /** A Global Token Revocation, signed by the provider. @returns the status of the answer */
  async revoke(user: string): Promise<unknown> {
    this.#child.send(`revoke ${user}`);
    const [status] = (await once(this.#child, "message")) as unknown[];
    return status;
  }
}
