import { de } from "./de.js";
import { en } from "./en.js";
import { es } from "./es.js";
import { fr } from "./fr.js";
import { ja } from "./ja.js";
import { ptBR } from "./pt-br.js";
import { zh } from "./zh.js";
import { zhTW } from "./zh-tw.js";

/** Reasons that administrators pick. */
export type CannedReason = "suspicious" | "password" | "maintenance" | "lost";

/** Every text of the pages in one language. A text that contains a number, a name or a time is a function. */
export interface Texts {
  /** BCP 47 tag of the texts, also used to format numbers and ages. */
  readonly language: string;
  /** BCP 47 tag used to format dates. */
  readonly dates: string;
  readonly accountMenu: string;
  readonly logOut: string;
  readonly logOutDevice: (device: string) => string;
  readonly logOutEverywhereElse: (others: number) => string;
  readonly logIn: string;
  readonly logInAgain: string;
  readonly logInFirst: string;
  readonly continue_: string;
  readonly continueTo: (place: string) => string;
  readonly loggedOut: string;
  readonly haveBeenLoggedOut: string;
  readonly endedByLimit: string;
  readonly endedByLifetime: string;
  readonly tooManyLogins: string;
  readonly noAccess: string;
  readonly adminsOnly: string;
  readonly whereLoggedIn: string;
  readonly devicesIntro: string;
  readonly thisDevice: string;
  readonly andMore: (count: number) => string;
  readonly devicesLoggedOut: (count: number) => string;
  readonly loggedOutByYourself: string;
  readonly confirmIdentity: string;
  readonly unknownDevice: string;
  readonly unknownAddress: string;
  readonly browserOn: (browser: string, system: string) => string;
  readonly requestNotAllowed: string;
  readonly pageNotFound: string;
  readonly tryAgainLater: string;
  readonly somethingWrong: string;
  readonly since: (time: string) => string;
  readonly active: (age: string) => string;
  readonly now: string;
  readonly loginManagement: string;
  readonly usersOnline: (count: number) => string;
  /** For users who came online while the page was open, and are not in its list. */
  readonly newcomers: (count: number) => string;
  readonly offline: string;
  readonly you: string;
  readonly searchUsers: string;
  readonly search: string;
  readonly showAll: string;
  readonly noMatches: (search: string) => string;
  /** For a search that found too many users to look up, and none of the first is online. */
  readonly tooManyMatches: string;
  readonly noUsersOnline: (application: string) => string;
  readonly selected: (count: number) => string;
  readonly selectionFull: string;
  readonly clear: string;
  readonly selectUser: (name: string) => string;
  readonly user: string;
  readonly lastLogin: string;
  readonly lastActive: string;
  readonly logins: string;
  readonly loginsOf: (count: number, name: string) => string;
  readonly action: string;
  readonly forceOffline: string;
  readonly forceOfflineEllipsis: string;
  readonly forceEveryoneEllipsis: string;
  readonly forceUserQuestion: (name: string) => string;
  readonly forceUsersQuestion: (users: number) => string;
  readonly forceLoginQuestion: (name: string) => string;
  readonly forceEveryoneQuestion: (users: number, application: string) => string;
  readonly endsLogins: (logins: number) => string;
  readonly userMustLogInAgain: string;
  readonly usersMustLogInAgain: string;
  /** What a kick of everyone means for the others; and its tick for the administrator. */
  readonly everyoneElseMustLogInAgain: string;
  readonly logMeOutToo: string;
  readonly includesYou: string;
  readonly usersOffline: (users: number) => string;
  readonly reason: string;
  readonly reasonHint: string;
  readonly typeApplicationId: (application: string) => string;
  readonly wrongApplicationId: string;
  readonly noneSelected: string;
  readonly cancel: string;
  readonly forced: (users: number, logins: number) => string;
  readonly forcing: (done: number, total: number) => string;
  readonly stopped: string;
  readonly notForced: (names: string) => string;
  readonly stop: string;
  readonly close: string;
  readonly tryAgain: string;
  readonly notRefreshed: string;
  readonly pages: string;
  readonly perPage: string;
  readonly show: string;
  readonly whereYouAre: string;
  readonly usersFound: (count: number) => string;
  readonly ofWhomMatch: (count: number) => string;
  readonly usersOnlineTable: string;
  readonly history: string;
  readonly moreActions: string;
  readonly sortBy: string;
  readonly sortedBy: (heading: string) => string;
  readonly notSorted: string;
  readonly filters: string;
  readonly address: string;
  readonly addressOrRange: string;
  readonly addressHint: string;
  readonly device: string;
  readonly deviceOrBrowser: string;
  readonly idle: string;
  readonly idleFor: string;
  readonly loggedIn: string;
  readonly after: string;
  readonly before: string;
  readonly timesIn: (zone: string) => string;
  readonly moreLoginsThan: string;
  readonly moreThan: (count: string) => string;
  readonly apply: string;
  readonly removeFilter: (name: string) => string;
  readonly filterInvalid: (names: string) => string;
  readonly lookedAt: (users: number) => string;
  readonly moreMatches: string;
  readonly noMatchesAtAll: string;
  readonly range: (shown: string, total: string) => string;
  readonly next: string;
  readonly selectPage: string;
  readonly allLoginsOf: (count: number, name: string) => string;
  readonly forceSelectedEllipsis: string;
  readonly forceFoundEllipsis: (users: number) => string;
  readonly forceFoundQuestion: (users: number) => string;
  readonly forceUsers: (users: number) => string;
  readonly onlyMatchingLogins: string;
  readonly moreMayMatch: string;
  readonly includeAdministrators: (administrators: number) => string;
  readonly copy: (text: string) => string;
  readonly expires: string;
  readonly loginsCount: (count: number) => string;
  readonly usersCount: (count: number) => string;
  readonly notLoggedIn: (name: string) => string;
  readonly noHistory: string;
  readonly historyIntro: string;
  readonly userId: string;
  readonly by: string;
  readonly when: string;
  readonly event: string;
  readonly everyoneOf: (application: string) => string;
  readonly failedFor: (users: number) => string;
  readonly events: Readonly<
    Record<"login" | "logout" | "confirmed" | "kick" | "limit" | "lifetime" | "rejected" | "denied", string>
  >;
  readonly newDevice: string;
  readonly notYou: string;
  readonly checked: (done: number, total: number) => string;
  readonly tooManySpared: (logins: number) => string;
  readonly searchFailed: string;
  readonly notReloaded: string;
  readonly cannedReasons: Readonly<Record<CannedReason, string>>;
  readonly noReason: string;
  readonly ownWords: string;
  readonly whatUserSees: string;
  /** Headings above a number each. */
  readonly statUsers: string;
  readonly statLogins: string;
  readonly statSeconds: string;
  readonly tryAgainFor: (users: number) => string;
  /** Names of fields of an address that are not valid. */
  readonly notApplied: (names: string) => string;
  readonly loggedInAs: (name: string) => string;
  readonly logInAsSomeoneElse: string;
  /** For a client that is no browser, such as curl. */
  readonly apiClient: (name: string) => string;
  /** For a way back after a logout that is not allowed. */
  readonly noWayBack: string;
  /** The reason of a kick by the admin API. */
  readonly forcedByAdministrator: string;
}

/** A language that the pages have. */
export type Locale = "en" | "zh" | "de" | "fr" | "es" | "ja" | "pt-BR" | "zh-TW";

export const LOCALES: Readonly<Record<Locale, Texts>> = {
  en,
  zh,
  de,
  fr,
  es,
  ja,
  "pt-BR": ptBR,
  "zh-TW": zhTW,
};
