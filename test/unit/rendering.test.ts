import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { readDevice } from "../../lib/util/device.js";
import { personalCenterPage } from "../../lib/pages/personal-center.js";
import { LOCALES, type Locale } from "../../lib/pages/texts/index.js";
import { CHROME, IPHONE } from "../support/pages.js";

const FORMATS = ["DateTimeFormat", "RelativeTimeFormat", "NumberFormat", "PluralRules", "Segmenter"] as const;

describe("a page with many logins", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const render = (locale: Locale): string =>
    personalCenterPage({
      frame: {
        texts: LOCALES[locale],
        brandName: "Acme",
        homeUrl: "/",
        logo: undefined,
        stylesheet: undefined,
        assets: { style: "/style.css", script: "/script.js" },
        user: {
          person: { id: "1", name: "Alice", details: [], photo: undefined, profile: {} },
          logoutUrl: "/u/logout",
          devicesUrl: "/u",
        },
      },
      logins: Array.from({ length: 100 }, (_value, index) => ({
        id: String(index),
        userId: "1",
        began: new Date(2026, 0, 1),
        lastActive: new Date(2026, 0, 2),
        expires: new Date(2026, 0, 3),
        userAgent: CHROME,
      })),
      total: 150,
      currentId: "0",
      endLoginUrl: "/u/end-login",
      endOthersUrl: "/u/end-others",
      securityUrl: undefined,
      status: undefined,
    });

  it.each(Object.keys(LOCALES) as Locale[])("creates no formatter twice, in %s", (locale) => {
    const first = render(locale);
    const made = FORMATS.map((name) => jest.spyOn(Intl, name));
    expect(render(locale)).toBe(first);
    expect(made.map(({ mock }) => mock.calls.length)).toEqual(FORMATS.map(() => 0));
  });

  it("writes the times of each language in that language", () => {
    expect(render("en")).toContain("2 January 2026");
    expect(render("zh")).toContain("2026年1月2日");
  });
});

describe("texts", () => {
  const { en, zh } = LOCALES;

  it("count in the singular and in the plural", () => {
    const shown = [1, 20_001].map((count) => [en.forced(count, count), en.forceUsers(count), en.selected(count)]);
    expect(shown).toEqual([
      ["1 user forced offline (1 login ended)", "Force 1 user offline", "1 user selected"],
      ["20,001 users forced offline (20,001 logins ended)", "Force 20,001 users offline", "20,001 users selected"],
    ]);
  });

  it("ask in plain words, in both languages", () => {
    expect([en.forceEveryoneQuestion(20_001, "shop"), en.endsLogins(2), en.reasonHint]).toEqual([
      "Force all 20,001 users of shop offline?",
      "This ends 2 logins.",
      "(optional, shown to the user)",
    ]);
    expect([zh.forceUserQuestion("X"), zh.userMustLogInAgain, zh.active(zh.now), zh.active("昨天")]).toEqual([
      "确定要强制 X 下线吗？",
      "该用户需要重新登录。",
      "刚刚活跃",
      "昨天活跃",
    ]);
  });

  it("have one verb for the logout", () => {
    const logouts = [zh.logOut, zh.logOutDevice("X"), zh.logOutEverywhereElse(2), zh.loggedOut, zh.devicesLoggedOut(1)];
    expect(logouts.filter((text) => !text.includes("退出登录"))).toEqual([]);
  });

  it("in Chinese have no space after a full stop", () => {
    const shown = Object.values(zh).map((text: unknown) =>
      typeof text === "function" ? (text as (...values: unknown[]) => string)(1, 1) : String(text),
    );
    expect(shown.filter((text) => /[。，？] /.test(text))).toEqual([]);
  });
});

describe("a device", () => {
  it("is parsed once per user agent, for the last few hundred", () => {
    const chrome = readDevice(CHROME);
    expect(chrome).toEqual({ kind: "desktop", browser: "Chrome 126", system: "Linux" });
    expect(readDevice(CHROME)).toBe(chrome);
    expect(readDevice(IPHONE)).toMatchObject({ kind: "mobile", system: "iOS" });
    for (let index = 0; index < 500; index++) readDevice(`Agent/${String(index)}`);
    expect(readDevice(CHROME)).toEqual(chrome);
    expect(readDevice(CHROME)).not.toBe(chrome);
  });
});
