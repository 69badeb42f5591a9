import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { localeFor } from "../../lib/http/languages.js";
import { LOCALES, type Locale, type Texts } from "../../lib/pages/texts/index.js";

type Text = string | ((...values: (string | number)[]) => string);

const ALL = Object.keys(LOCALES) as Locale[];
const OTHERS = ALL.filter((locale) => locale !== "en");

/** Returns every text by its name; those in a group as `events.kick`. */
function flat(texts: Texts): Record<string, Text> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]: [string, Text | Record<string, string>]) =>
      typeof text === "object"
        ? Object.entries(text).map(([member, each]) => [`${name}.${member}`, each] as const)
        : [[name, text] as const],
    ),
  );
}

const TABLES = Object.fromEntries(ALL.map((locale) => [locale, flat(LOCALES[locale])])) as Record<
  Locale,
  Record<string, Text>
>;
const NAMES = Object.keys(TABLES.en);

const source = readFileSync(join(__dirname, "../../lib/pages/texts/index.ts"), "utf8");
/** The types of the values that each function gets. */
const VALUES: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...source.matchAll(/readonly (\w+): \(([^)]*)\) => string;/g)].map(([, name = "", list = ""]) => [
    name,
    list.split(",").map((value) => value.split(":")[1]?.trim() ?? ""),
  ]),
);

const COUNTS = [0, 1, 2, 21, 20_001, 1_000_000];
/** A number in which none of the others occurs. */
const ANOTHER = 3_456;
const WORDS = ["Firefox 140", "Wörld <b>"];

/** Each case of a text: the values that it gets, and the text. */
function cases(
  locale: Locale,
  name: string,
): { readonly values: readonly (string | number)[]; readonly text: string }[] {
  const text = TABLES[locale][name];
  const types = VALUES[name];
  if (typeof text !== "function" || types === undefined) return [{ values: [], text: text as string }];
  const each = types.flatMap((type, position) =>
    type === "number" ? COUNTS.map((count) => ({ count, position })) : [],
  );
  return (each.length === 0 ? [{ count: 0, position: 0 }] : each).map(({ count, position }) => {
    const values = types.map((type, index) =>
      type === "string" ? (WORDS[index] ?? "") : index === position ? count : ANOTHER,
    );
    return { values, text: text(...values) };
  });
}

const allCases = (locale: Locale): ReturnType<typeof cases> => NAMES.flatMap((name) => cases(locale, name));
const shown = (locale: Locale): readonly string[] => allCases(locale).map(({ text }) => text);

describe.each(ALL)("the texts in %s", (locale) => {
  const table = TABLES[locale];
  const numbers = new Intl.NumberFormat(LOCALES[locale].language);
  const rules = new Intl.PluralRules(LOCALES[locale].language);
  /** "the one", "the other administrator": the singular needs no number. */
  const NUMBERLESS = ["forceFoundEllipsis", "includeAdministrators"];

  it("are all there, and functions where the English ones are", () => {
    expect(Object.keys(table).sort()).toEqual([...NAMES].sort());
    expect(NAMES.length).toBeGreaterThan(100);
    const arities = (each: Record<string, Text>): object =>
      Object.fromEntries(NAMES.map((name) => [name, typeof each[name] === "function" ? each[name].length : "text"]));
    const wanted = Object.fromEntries(NAMES.map((name) => [name, VALUES[name]?.length ?? "text"]));
    expect(arities(table)).toEqual(wanted);
  });

  it("are not empty, and have each of their values once", () => {
    const isNumberless = (name: string, value: string | number): boolean =>
      NUMBERLESS.includes(name) && typeof value === "number" && rules.select(value) === "one";
    const written = (value: string | number): string => (typeof value === "number" ? numbers.format(value) : value);
    const wrong = NAMES.flatMap((name) =>
      cases(locale, name)
        .filter(({ values, text }) => {
          const isWhole = text.trim() !== "" && !/undefined|NaN|\[object|\$\{|\bnull\b/.test(text);
          const isOnce = (value: string | number): boolean => text.split(written(value)).length === 2;
          return !isWhole || !values.every((value) => isNumberless(name, value) || isOnce(value));
        })
        .map(({ text }) => `${name}: ${text}`),
    );
    expect(wrong).toEqual([]);
  });

  it("have numbers where the script of the page puts others", () => {
    const { selected, newcomers, timesIn } = LOCALES[locale];
    for (const text of [selected(2), newcomers(2)]) {
      expect(text.match(/\d/g)).toEqual(["2"]);
      expect(text.replace("2", numbers.format(20_001))).toContain(numbers.format(20_001));
    }
    expect(timesIn("+02:00")).toBe(`${timesIn("")}+02:00`);
  });

  it("name each filter differently", () => {
    const { address, device, idle, loggedIn, logins } = LOCALES[locale];
    expect(new Set([address, device, idle, loggedIn, logins]).size).toBe(5);
  });

  it("use a language that Intl supports, and that a browser gets who asks for it", () => {
    const { language, dates } = LOCALES[locale];
    expect(Intl.DateTimeFormat.supportedLocalesOf([language, dates])).toHaveLength(new Set([language, dates]).size);
    expect([localeFor([language]), localeFor([locale])]).toEqual([locale, locale]);
  });

  it("have typographic signs, and one space at a time", () => {
    expect(shown(locale).filter((text) => /['"`]|\.\.\.|--| {2}|^\s|\s$/.test(text))).toEqual([]);
  });
});

describe.each(OTHERS)("the texts in %s", (locale) => {
  /** Words that the language has in common with English. */
  const SHARED: Partial<Record<Locale, readonly string[]>> = {
    de: ["offline"],
    fr: ["action", "pages", "cannedReasons.maintenance"],
    "pt-BR": ["offline"],
  };

  it("are none of the English ones", () => {
    const allowed = new Set(SHARED[locale]);
    const english = NAMES.filter((name) => name !== "language" && !allowed.has(name)).filter((name) =>
      cases(locale, name).some(({ text }, index) => text === cases("en", name)[index]?.text),
    );
    expect(english).toEqual([]);
  });

  it("have no English words", () => {
    const words =
      /\b(?:the|this|these|user|users|login|logins|logged|force|forced|again|page|you|your|search|show|more|device|address|everyone|of|to|from|with|and)\b/i;
    // "Login" is Portuguese, too: it is in the dictionary of the Academia.
    const common = locale === "pt-BR" ? /\b(?:login|de)\b/gi : locale === "fr" ? /\bpage\b/gi : /(?!)/g;
    const english = allCases(locale).filter(({ text }) => words.test(text.replace(common, "")));
    expect(english.map(({ text }) => text)).toEqual([]);
  });
});

describe("plural forms", () => {
  it.each([
    ["en", ["0 users online", "1 user online", "21 users online"]],
    ["de", ["0 Benutzer online", "1 Benutzer online", "21 Benutzer online"]],
    ["fr", ["0 utilisateur en ligne", "1 utilisateur en ligne", "21 utilisateurs en ligne"]],
    ["es", ["0 usuarios conectados", "1 usuario conectado", "21 usuarios conectados"]],
    ["pt-BR", ["0 usuário online", "1 usuário online", "21 usuários online"]],
    ["ja", ["0 人のユーザーがオンライン", "1 人のユーザーがオンライン", "21 人のユーザーがオンライン"]],
    ["zh-TW", ["0 位使用者在線上", "1 位使用者在線上", "21 位使用者在線上"]],
  ] as const)("are those of %s", (locale, texts) => {
    expect([0, 1, 21].map(LOCALES[locale].usersOnline)).toEqual(texts);
  });

  it("of millions have a preposition in French, Spanish and Portuguese", () => {
    expect((["fr", "es", "pt-BR"] as const).map((locale) => LOCALES[locale].forceUsers(1_000_000))).toEqual([
      "Déconnecter 1\u202f000\u202f000 d’utilisateurs",
      "Desconectar a 1.000.000 de usuarios",
      "Desconectar 1.000.000 de usuários",
    ]);
  });

  it("agree within a sentence", () => {
    const { de, fr, es } = LOCALES;
    expect([1, 2].map(de.endsLogins)).toEqual(["1 Sitzung wird beendet.", "2 Sitzungen werden beendet."]);
    expect([1, 2].map(es.endsLogins)).toEqual(["Se cerrará 1 sesión.", "Se cerrarán 2 sesiones."]);
    expect([1, 2].map((count) => fr.forceEveryoneQuestion(count, "shop"))).toEqual([
      "Déconnecter 1 utilisateur connecté à shop\u202f?",
      "Déconnecter les 2 utilisateurs connectés à shop\u202f?",
    ]);
  });
});

describe("typography", () => {
  it.each(["zh", "zh-TW", "ja"] as const)("has full-width signs without spaces in %s", (locale) => {
    const wrong = shown(locale).filter((text) =>
      /[。，、？：；（）「」] | [。，、？：；（）「」]|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}][,.?!:;()]/u.test(
        text,
      ),
    );
    expect(wrong).toEqual([]);
    const foreign = NAMES.filter((name) => !["language", "dates"].includes(name)).filter((name) =>
      cases(locale, name).some(({ text }) => !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)),
    );
    expect(foreign).toEqual(locale === "ja" ? ["browserOn"] : []);
  });

  it("has narrow spaces that do not break in French", () => {
    const texts = shown("fr");
    expect(texts.filter((text) => /(?<!\u202f)[?!;»]|«(?!\u202f)|(?<!\u00a0):/.test(text))).toEqual([]);
    expect(texts.filter((text) => text.includes("«")).length).toBeGreaterThan(1);
  });

  it("has the quotes of each language", () => {
    expect(
      (["en", "de", "fr", "es", "pt-BR", "ja", "zh", "zh-TW"] as const).map((locale) =>
        LOCALES[locale]
          .noMatches("x")
          .replace(/.*?(\P{L})(.?)x(.?)(\P{L}).*/su, "$1$2x$3$4")
          .trim(),
      ),
    ).toEqual(["“x”", "„x“", "«\u202fx\u202f»", "«x».", "“x”.", "「x」", "“x”", "「x」"]);
  });

  it("has no simplified character in the texts for Taiwan, and no term of the mainland", () => {
    const simplified =
      /[账户录备请问题线网页应该选择时间为务数据关开试误无权离结显历筛类个从发过还动强进单长东车见点这们后员]/u;
    expect(
      shown("zh-TW").filter(
        (text) => simplified.test(text) || /用戶(?!端)|設備|登錄|退出|帳戶|賬|信息|默認|鏈接/u.test(text),
      ),
    ).toEqual([]);
  });

  it("addresses readers formally in German and Spanish", () => {
    expect(shown("de").filter((text) => /\b(?:du|dein\w*|dir|dich)\b/i.test(text))).toEqual([]);
    expect(shown("es").filter((text) => /\b(?:tú|tu|tus|te|vos|has)\b/i.test(text))).toEqual([]);
    expect(shown("fr").filter((text) => /\b(?:tu|toi|ton|tes)\b/i.test(text))).toEqual([]);
  });
});
