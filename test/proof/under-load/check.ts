import type { EndEntry, FaultEntry, Log, LoginEntry, RequestEntry } from "./log.js";

/** The violations that a log can show. */
export type Rule =
  | "served after its end"
  | "served as another user"
  | "refused without an end"
  | "failed without a fault"
  | "not answered"
  | "not back in time";

export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

/** How long service may take to be back, and a request to be answered. */
const BACK_LIMIT_MS = 30_000;
const ANSWER_LIMIT_MS = 60_000;
/** How much later an end that was answered with an error may still come to hold. */
const LATE_MS = 60_000;

/** Reads a whole log afterwards. It knows only the requests and the responses, not the storage of logins. */
export function check(log: Log): Violation[] {
  const logins = new Map(log.logins.map((login) => [login.id, login]));
  const ends = new EndsByLogin(log.ends);
  const found = log.requests.flatMap((request) => {
    const login = logins.get(request.loginId);
    if (login === undefined) throw new Error(`A request of a login that is not in the log: ${inWords(request)}`);
    return rulesBrokenBy(request, login, ends.of(login), log.faults).map((rule) => ({
      rule,
      what: `${inWords(request)} of login ${String(login.id)} of ${login.userId}, begun at ${String(login.began)}`,
    }));
  });
  const away = log.faults.filter(({ ended, backAt }) => backAt - ended > BACK_LIMIT_MS);
  return [...found, ...away.map(({ name }) => ({ rule: "not back in time" as const, what: name }))];
}

function rulesBrokenBy(
  request: RequestEntry,
  login: LoginEntry,
  ends: EndsOfLogin,
  faults: readonly FaultEntry[],
): Rule[] {
  const { outcome, servedAs, began, ended } = request;
  const broken: Rule[] = [];
  if (outcome === "served" && began > ends.overAt) broken.push("served after its end");
  if (outcome === "served" && servedAs !== undefined && servedAs !== login.userId) {
    broken.push("served as another user");
  }
  if (outcome === "refused" && !ends.mayHoldIn(began, ended)) broken.push("refused without an end");
  if (outcome === "unavailable" && !faults.some((fault) => fault.began <= ended && began <= fault.backAt)) {
    broken.push("failed without a fault");
  }
  if (outcome === "lost" || ended - began > ANSWER_LIMIT_MS) broken.push("not answered");
  return broken;
}

interface EndsOfLogin {
  /** When it was first answered that the login is over. */
  readonly overAt: number;
  /** Whether an end may have held when a request was under way. */
  mayHoldIn(began: number, ended: number): boolean;
}

/** The ends of one login, found without reading all for each. */
class EndsByLogin {
  readonly #byUser = new Map<string, EndEntry[]>();
  readonly #byLogin = new Map<number, EndEntry[]>();
  readonly #ofEveryone: EndEntry[] = [];
  readonly #found = new Map<number, EndsOfLogin>();

  constructor(ends: readonly EndEntry[]) {
    for (const end of ends) {
      if (end.of === "everyone") this.#ofEveryone.push(end);
      else if ("loginId" in end.of) push(this.#byLogin, end.of.loginId, end);
      else for (const userId of end.of.userIds) push(this.#byUser, userId, end);
    }
  }

  of(login: LoginEntry): EndsOfLogin {
    const found = this.#found.get(login.id) ?? this.#find(login);
    this.#found.set(login.id, found);
    return found;
  }

  #find(login: LoginEntry): EndsOfLogin {
    const about = [
      ...this.#ofEveryone,
      ...(this.#byUser.get(login.userId) ?? []),
      ...(this.#byLogin.get(login.id) ?? []),
    ];
    // One that was sent while the login was under way may have come before it.
    const sure = about.filter(({ isDone, began }) => isDone && began > login.ended);
    const possible = about.filter(({ isDone, ended }) => (isDone ? ended : ended + LATE_MS) > login.began);
    const firstPossible = Math.min(...possible.map(({ began }) => began));
    return {
      overAt: Math.min(...sure.map(({ ended }) => ended)),
      mayHoldIn: (_began, ended) => firstPossible < ended,
    };
  }
}

function push<Key>(map: Map<Key, EndEntry[]>, key: Key, end: EndEntry): void {
  const ends = map.get(key) ?? [];
  ends.push(end);
  map.set(key, ends);
}

function inWords({ what, outcome, servedAs, began, ended }: RequestEntry): string {
  const whom = servedAs === undefined ? "" : ` as ${servedAs}`;
  return `${what} from ${began.toFixed(1)} to ${ended.toFixed(1)}: ${outcome}${whom}`;
}
