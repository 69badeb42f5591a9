import { collectStderr } from "../support/debugging.js";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { resolveOptions } from "../../lib/options.js";
import { LOCALES, type Locale } from "../../lib/pages/texts/index.js";
import { openConsole } from "../support/console-site.js";
import { CHROME, elementsOf, HTML, textOf, visit } from "../support/pages.js";
import { useSites } from "../support/site.js";
import { MemoryStore } from "express-session";

const open = useSites();
let stderr: ReturnType<typeof collectStderr>;
beforeEach(() => {
  stderr = collectStderr();
});
afterEach(() => {
  stderr.stop();
});
const ALL = Object.keys(LOCALES) as Locale[];
const HOSTILE = `<img src=x onerror=alert(1)>"'</title><script>alert(1)</script>`;

/** What users read: the visible text, without what is not in a language, and the names of controls. */
function readIn(html: string): string {
  const names = elementsOf(html).flatMap(({ attributes }) =>
    [attributes["aria-label"], attributes["placeholder"]].filter((name) => name !== undefined),
  );
  return [textOf(html.replace(/<(style|script)[\s\S]*?<\/\1>/g, "")), ...names].join(" ");
}

const langOf = (html: string): string | undefined => elementsOf(html, "html")[0]?.attributes["lang"];

/** Opens every kind of page with these headers: the list, a dialog, a user, the devices, a refusal of each kind. */
async function allPages(headers: Record<string, string>): Promise<string[]> {
  const { site, root, page, force, list } = await openConsole(open, { pages: { securityUrl: "/security" } });
  await list("alice", { ip: "203.0.113.7", userAgent: CHROME });
  const login = await list("alice", { ip: "203.0.113.7" });
  const kicked = await site.login("mallory");
  await site.auth.kick("mallory");
  const paths = [page, `${page}?more=1&open=alice`, `${page}/users?id=alice`, `${force}?user=alice&user=root`];
  const asked = [...paths, `${force}?user=alice&login=${login}`, `${force}?everyone=1`, "/u"];
  const pages = [];
  for (const path of asked) pages.push(await visit(site, root, path, headers));
  pages.push(await visit(site, kicked, "/u", headers), await visit(site, undefined, "/u/logged-out", headers));
  expect(pages.map(({ status }) => status)).toEqual([...asked.map(() => 200), 401, 200]);
  return pages.map(({ text }) => text);
}

describe.each(ALL)("pages in %s", (locale) => {
  it("are in that language, and have no English words", async () => {
    const { language, ...texts } = LOCALES[locale];
    const pages = await allPages({ "Accept-Language": `it;q=0.9, ${locale};q=0.8, *;q=0.1` });
    expect(pages.map(langOf)).toEqual(pages.map(() => language));
    const [first = "", , , dialog = "", , , center = "", refusal = "", ended = ""] = pages.map(textOf);
    // As textOf has spaces.
    const plain = (text: string): string => text.replace(/\s/g, " ");
    expect(first).toContain(plain(texts.usersOnline(2)));
    expect(dialog).toContain(plain(texts.forceUsersQuestion(2)));
    expect(dialog).toContain(plain(texts.endsLogins(3)));
    expect(center).toContain(texts.whereLoggedIn);
    expect(refusal).toContain(texts.haveBeenLoggedOut);
    expect(ended).toContain(texts.loggedOut);
    const english = new Set(
      Object.entries(LOCALES.en)
        .filter(([name, text]) => typeof text === "string" && text.length > 3 && !["dates", "offline"].includes(name))
        .map(([, text]) => text as string),
    );
    // Words that French has, too.
    for (const shared of ["Action", "Pages"]) english.delete(shared);
    const found = pages.flatMap((html) => {
      const read = readIn(html);
      return [...english].filter((text) => new RegExp(`(?<!\\p{L})${escaped(text)}(?!\\p{L})`, "u").test(read));
    });
    const isFound = found.length > 20;
    expect(locale === "en" ? isFound : found).toEqual(locale === "en" ? true : []);
  });
});

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

describe("the language of a page", () => {
  it.each([
    ["de;q=0.5, fr;q=0.9", "fr"],
    ["de;q=0.5, fr;q=0.5", "de"],
    ["fr;q=0, de;q=0.1", "de"],
    ["pt-PT, en;q=0.9", "pt-BR"],
    ["zh-HK, zh;q=0.9, en;q=0.8", "zh-TW"],
    ["zh-CN,zh;q=0.9,zh-TW;q=0.8", "zh-CN"],
    ["en-GB, de;q=0.9", "en"],
    ["it, *;q=0.5, de;q=0.1", "en"],
    ["de;q=abc, fr", "fr"],
    [",;,de;;q=1,,", "de"],
    ["", "en"],
  ])("is by q-values: %s", async (header, lang) => {
    const site = await open();
    const { status, text } = await visit(site, undefined, "/u/logged-out", { "Accept-Language": header });
    expect([status, langOf(text)]).toEqual([200, lang]);
  });

  it("is found at once in the longest header", async () => {
    const site = await open();
    const header = `${"a-b,".repeat(3_000)}de;q=0.9`;
    const began = performance.now();
    const { status, text } = await visit(site, undefined, "/u/logged-out", { "Accept-Language": header });
    expect([status, langOf(text)]).toEqual([200, "en"]);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it("is that of pages.locale before that of the browser", async () => {
    const site = await open({ auth: { pages: { locale: "pt-BR" } } });
    const { text } = await visit(site, undefined, "/u/logged-out", { "Accept-Language": "de" });
    expect(langOf(text)).toBe("pt-BR");
  });
});

describe("a text of the app", () => {
  it("takes the place of that of the pages, in its language alone", async () => {
    const texts = { en: { loggedOut: "See you soon", "events.kick": "Ended" }, de: { loggedOut: "Bis bald" } } as const;
    const site = await open({ auth: { pages: { texts } } });
    const titles = [];
    for (const language of ["en", "de", "fr"]) {
      const { text } = await visit(site, undefined, "/u/logged-out", { "Accept-Language": language });
      titles.push(/<h1[^>]*>(.*?)<\/h1>/s.exec(text)?.[1]);
    }
    expect(titles).toEqual(["See you soon", "Bis bald", LOCALES.fr.loggedOut]);
  });

  it("gets the values, and is shown as text wherever it stands", async () => {
    const names = Object.entries(LOCALES.en).filter(
      ([name]) => !["language", "dates", "events", "cannedReasons"].includes(name),
    );
    const hostile = Object.fromEntries(
      names.map(([name, text]) => [
        name,
        typeof text === "function" ? (...values: unknown[]) => `${values.join("|")} ${name} ${HOSTILE}` : HOSTILE,
      ]),
    );
    const { site, root, page, force, list } = await openConsole(open, {
      pages: { texts: { en: { ...hostile, "events.kick": HOSTILE, "cannedReasons.lost": HOSTILE } } },
    });
    await list("alice", { ip: "203.0.113.7", userAgent: CHROME });
    await list("alice");
    const paths = [`${page}?open=alice`, `${page}?q=x"y`, `${page}/users?id=alice`, `${force}?user=alice`, "/u"];
    for (const path of paths) {
      const { status, text } = await visit(site, root, path);
      expect(status).toBe(200);
      expect(text).not.toContain("<img src=x");
      expect(text).not.toContain("<script>alert");
      expect(text).toContain("&lt;img src=x");
    }
    expect(textOf((await visit(site, root, page)).text)).toContain(`2 usersOnline ${HOSTILE}`);
  });

  it.each([
    [
      "throws",
      (name: string): string => {
        throw new Error(`no text for ${name}`);
      },
      "Error: no text for …",
    ],
    ["returns no string", (() => 7) as unknown as () => string, "TypeError: returned number in place of a string"],
    [
      "returns a promise",
      (() => Promise.resolve("x")) as unknown as () => string,
      "TypeError: returned object in place of a string",
    ],
  ])("that %s leaves ours on the page, and is in the debug log", async (_how, selectUser, words) => {
    const { site, root, page, list } = await openConsole(open, { pages: { texts: { en: { selectUser } } } });
    await list("alice-4711");
    const { status, text } = await visit(site, root, page);
    expect(status).toBe(200);
    expect(textOf(text)).toContain(LOCALES.en.selectUser("alice-4711"));
    expect(stderr.text()).toContain(`pages.texts.en.selectUser failed: ${words}`);
    expect(stderr.text()).not.toContain("alice-4711");
    expect(site.errors).toEqual([]);
  });

  it("is also in answers without pages, and to requests that Express has not seen", async () => {
    const site = await open({ auth: { pages: { texts: { en: { haveBeenLoggedOut: "Your time is up" } } } } });
    const browser = await site.login("alice");
    await site.auth.kick("alice", { reason: "closing time" });
    const { status, text } = await site.ask("GET", "/me", {
      headers: { ...HTML, Accept: "application/json", Cookie: browser.cookies },
    });
    expect([status, text]).toEqual([401, expect.stringContaining("Your time is up: closing time")]);
  });

  it("is merged once, and leaves the tables of the package as they are", () => {
    const before = LOCALES.en.logOut;
    const { pages } = resolveOptions({
      store: new MemoryStore(),
      appId: "shop",
      pages: { texts: { en: { logOut: "Sign out" } } },
    });
    expect([pages.texts.en.logOut, LOCALES.en.logOut]).toEqual(["Sign out", before]);
    expect(pages.texts.de).toBe(LOCALES.de);
    expect(pages.texts.en.events).toEqual(LOCALES.en.events);
  });
});
