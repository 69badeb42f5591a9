/** From when it was sent to when its answer had come: milliseconds of the one clock of the process that sent it. */
export interface Span {
  readonly began: number;
  readonly ended: number;
}

/** A login that was answered with success. */
export interface LoginEntry extends Span {
  readonly id: number;
  readonly userId: string;
}

/** `unavailable`: a 5xx; `lost`: no answer at all. */
export type Outcome = "served" | "refused" | "unavailable" | "lost";

/** A request with the cookie of a login. */
export interface RequestEntry extends Span {
  readonly loginId: number;
  readonly what: string;
  readonly outcome: Outcome;
  /** The user whom the app has served, if the answer contains the user. */
  readonly servedAs?: string | undefined;
}

/** A kick or a logout: of every login that an answer had begun when it was sent, and that it is about. */
export interface EndEntry extends Span {
  readonly of: { readonly userIds: readonly string[] } | { readonly loginId: number } | "everyone";
  /** It was answered with success: it holds. Otherwise it may come to hold at any time, or never. */
  readonly isDone: boolean;
}

/** A fault, and when a fresh login was served again on every node; `Infinity` if that was waited for in vain. */
export interface FaultEntry extends Span {
  readonly name: string;
  readonly backAt: number;
}

/** All requests and kicks, with their outcomes. */
export interface Log {
  readonly logins: LoginEntry[];
  readonly requests: RequestEntry[];
  readonly ends: EndEntry[];
  readonly faults: FaultEntry[];
}

export function emptyLog(): Log {
  return { logins: [], requests: [], ends: [], faults: [] };
}
