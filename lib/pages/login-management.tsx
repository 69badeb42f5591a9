import { Filters, type FilterView } from "./filters.js";
import { Icon } from "./icon.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import { rangeOf } from "./pager.js";
import { headingOf, isReversed, keyOf, SORTS, type Sort } from "./sorts.js";
import type { OnlineUser } from "./user-row.js";
import { UsersTable } from "./users-table.js";

/** Maximum length, in characters, of a selection in an address. Servers accept addresses of up to 8 kB. */
export const SELECTION_LENGTH = 7_500;

export interface LoginManagement {
  readonly frame: PageContext;
  readonly appId: string;
  readonly url: string;
  /** Address of the confirmation page. */
  readonly forceUrl: string;
  /** Address of the page of one user, without the user. */
  readonly userUrl: string;
  /** Address of the history; `undefined` if none is kept. */
  readonly historyUrl: string | undefined;
  /** How many users are online. */
  readonly online: number;
  /** How many of them match; `undefined` where everyone is listed. */
  readonly found: number | undefined;
  /** How many users were looked at; `undefined` where that was not needed. */
  readonly lookedAt: number | undefined;
  readonly users: readonly OnlineUser[];
  readonly page: number;
  readonly limit: number;
  readonly search: string;
  readonly filter: FilterView;
  /** What finds the same users again, as parameters of an address. */
  readonly finding: readonly (readonly [string, string])[];
  readonly sort: Sort;
  /** The fields whose values do not count, as they are not valid. */
  readonly wrong: readonly string[];
  /** Whether more users may match than were found. */
  readonly isCut: boolean;
  /** Whether the app has failed to search: only ids were looked for. */
  readonly isSearchFailed: boolean;
  /** Ids of users whom the open page shows, and whose logins could not be read. */
  readonly unread: readonly string[];
  /** Ids of the users whose logins are shown. */
  readonly opened: readonly string[];
  /** Ids of the selected users, on this page and others. */
  readonly selected: readonly string[];
  /** Whether more users were selected than an address can carry. */
  readonly isFull: boolean;
  /** Result of the last action: a success. */
  readonly status: string | undefined;
}

/** Renders the table of online users. One form holds the table, so that every button keeps the selection without a script. */
export function loginManagementPage(view: LoginManagement): string {
  const { frame, appId, url, online, found, search, status } = view;
  const { texts } = frame;
  const count = found === undefined ? texts.usersOnline(online) : texts.usersFound(found);
  return renderPage(
    <Layout
      frame={frame}
      title={[search, count, texts.loginManagement].filter((part) => part !== "").join(" · ")}
      width="wide"
      breadcrumb={[{ label: appId }, { label: texts.loginManagement }]}
    >
      <form method="get" action={url} data-table>
        <Title {...view} />
        <Toolbar {...view} />
        <Notes {...view} />
        <p class="status" role="status" tabIndex={-1} data-status data-failed={texts.tryAgainLater}>
          {status}
        </p>
        <Bar {...view} />
        <input type="hidden" name="at" value={view.page} />
        <div data-table-of={texts.offline}>
          {view.unread.map((userId) => (
            <span hidden data-unread={userId} key={userId} />
          ))}
          <UsersTable {...view} />
        </div>
      </form>
    </Layout>,
  );
}

function Title({ frame, forceUrl, historyUrl, online, found }: LoginManagement) {
  const { texts } = frame;
  return (
    <div class="title">
      <div>
        <h1 tabIndex={-1}>{texts.loginManagement}</h1>
        <p class="live">
          <span>
            <strong data-live="count">{texts.usersOnline(online)}</strong>
            {found === undefined ? null : <strong data-live="found">{texts.ofWhomMatch(found)}</strong>}
          </span>
          <button type="button" class="newcomers" data-newcomers={texts.newcomers(2)} hidden />
        </p>
        <p class="live error" role="alert" data-trouble hidden>
          {texts.notRefreshed}
        </p>
      </div>
      <div class="buttons">
        {historyUrl === undefined ? null : (
          <a class="button labelled" href={historyUrl}>
            <Icon name="history" />
            <span class="word">{texts.history}</span>
          </a>
        )}
        <details class="menu" data-menu>
          <summary class="framed" aria-label={texts.moreActions}>
            <Icon name="more" size="large" />
          </summary>
          <div class="popup">
            <a class="danger" href={`${forceUrl}?everyone=1`} data-dialog>
              <Icon name="power" />
              {texts.forceEveryoneEllipsis}
            </a>
          </div>
        </details>
      </div>
    </div>
  );
}

function Toolbar({ frame, search, filter, sort }: LoginManagement) {
  const { texts } = frame;
  return (
    <div class="toolbar">
      <div class="search" role="search">
        <Icon name="search" />
        <input
          type="search"
          name="q"
          value={search}
          placeholder={texts.searchUsers}
          aria-label={texts.searchUsers}
          maxLength={256}
          autocomplete="off"
        />
        <kbd aria-hidden="true">/</kbd>
      </div>
      <button type="submit" data-scriptless>
        {texts.search}
      </button>
      <Filters filter={filter} texts={texts} />
      <label class="sortby">
        <span class="hidden">{texts.sortBy}</span>
        <select name="sort" autocomplete="off">
          {SORTS.filter((each) => !isReversed(each) || each === sort).map((each) => (
            <option key={each} value={each} selected={each === sort}>
              {texts.sortedBy(headingOf(keyOf(each), texts))}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** Says what is not as it was asked for. */
function Notes({ frame, wrong, isCut, isSearchFailed, lookedAt, search, users }: LoginManagement) {
  const { texts } = frame;
  const labels: Readonly<Record<string, string>> = {
    ip: texts.address,
    device: texts.device,
    idle: texts.idle,
    after: texts.loggedIn,
    before: texts.loggedIn,
    more: texts.logins,
  };
  const filters = wrong.flatMap((name) => labels[name] ?? []);
  const others = wrong.flatMap((name) => ({ page: texts.pages, limit: texts.perPage })[name] ?? []);
  return (
    <>
      {filters.length === 0 ? null : (
        <p class="note error" role="alert">
          {texts.filterInvalid([...new Set(filters)].join(", "))}
        </p>
      )}
      {isSearchFailed ? (
        <p class="note error" role="alert">
          {texts.searchFailed}
        </p>
      ) : null}
      {others.length === 0 ? null : <p class="note">{texts.notApplied(others.join(", "))}</p>}
      {wrong.includes("sort") ? <p class="note">{texts.notSorted}</p> : null}
      {isCut && lookedAt !== undefined ? <p class="note">{texts.lookedAt(lookedAt)}</p> : null}
      {isCut && search !== "" && users.length > 0 ? <p class="note">{texts.moreMatches}</p> : null}
    </>
  );
}

/** Fields by which the same users are found. */
const LIST_FIELDS = ["sort", "page", "limit"];

/** Not while the list is another one than was asked for. */
function canForceFound({ found, wrong, isSearchFailed }: LoginManagement): boolean {
  return found !== undefined && found > 0 && !isSearchFailed && !wrong.some((name) => !LIST_FIELDS.includes(name));
}

/** Renders what is selected, in a place that is always there: the first tick must move no row. */
function Bar(view: LoginManagement) {
  const { frame, url, forceUrl, selected, isFull, users, online, found, finding } = view;
  const { texts } = frame;
  const shownIds = new Set(users.map(({ person }) => person.id));
  const elsewhere = selected.filter((userId) => !shownIds.has(userId));
  const isNone = selected.length === 0;
  const foundQuery = new URLSearchParams([["found", "1"], ...finding.map(([name, value]) => [name, value])]);
  return (
    <div class="bar" data-selection data-none={isNone ? "" : undefined} data-length={SELECTION_LENGTH}>
      <span class="num of-none">
        <span data-live="range">{rangeOf({ page: view.page, limit: view.limit, total: found ?? online }, texts)}</span>
        {found === undefined ? null : (
          <a class="small" href={url}>
            {texts.showAll}
          </a>
        )}
      </span>
      <strong class="of-some" data-one={texts.selected(1)} data-many={texts.selected(2)}>
        {isNone ? null : texts.selected(selected.length)}
      </strong>
      <span data-elsewhere>
        {elsewhere.map((userId) => (
          <input type="hidden" name="user" value={userId} key={userId} />
        ))}
      </span>
      <span role="status" data-full={texts.selectionFull}>
        {isFull ? texts.selectionFull : null}
      </span>
      <span class="push">
        <a class="button ghost of-some" href={url} data-clear>
          {texts.clear}
        </a>
        <button type="submit" class="danger of-some" formAction={forceUrl} data-dialog>
          <span class="wordy">{texts.forceSelectedEllipsis}</span>
          <span class="brief">{texts.forceOfflineEllipsis}</span>
        </button>
        <span data-live="force-found">
          {canForceFound(view) ? (
            <a class="button danger of-none" href={`${forceUrl}?${foundQuery.toString()}`} data-dialog>
              {texts.forceFoundEllipsis(found ?? 0)}
            </a>
          ) : null}
        </span>
      </span>
    </div>
  );
}
