import type { Login } from "../types/login.js";
import { deviceInWords, readDevice } from "./device.js";
import { formatNumber, plainText, RelativeTime, ShortTime } from "./format.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import { Avatar, type UserView } from "./user-view.js";
import type { Texts } from "./texts.js";

export const PAGE_SIZES = [10, 20, 50] as const;
/**
 * How long the query may become that names who is checked: addresses carry the selection from page to page, and servers
 * take 8 kB of one.
 */
export const SELECTION_LENGTH = 7_500;

export interface OnlineUser {
  readonly person: UserView;
  /** The user's newest live logins, newest first. */
  readonly logins: readonly Login[];
  /** How many there are in all. */
  readonly loginsCount: number;
}

export interface LoginManagement {
  readonly frame: PageContext;
  readonly appId: string;
  /** Where this page is, and the page that asks before anybody is forced offline. */
  readonly url: string;
  readonly forceUrl: string;
  readonly totalCount: number;
  readonly users: readonly OnlineUser[];
  readonly page: number;
  readonly limit: number;
  readonly search: string;
  /** Whether the search has found more than is shown. */
  readonly isCut: boolean;
  /** The ids of the users that are checked, on this page or another. */
  readonly selected: readonly string[];
  /** Whether more were checked than an address can carry. */
  readonly isFull: boolean;
  /** What has just been done, or went wrong. */
  readonly status: string | undefined;
}

/**
 * One form holds the whole table, so that without a script every button, the page numbers among them, takes along what is
 * checked.
 */
export function loginManagementPage(view: LoginManagement): string {
  const { frame, appId, url, forceUrl, totalCount, search, status } = view;
  const { texts } = frame;
  return renderPage(
    <Layout
      frame={frame}
      title={texts.loginManagement}
      width="wide"
      breadcrumb={[texts.applications, appId, texts.loginManagement]}
    >
      <h1 class="hidden">{texts.loginManagement}</h1>
      <p class="status" role="status" data-status>
        {status}
      </p>
      <form method="get" action={url} class="table" data-table>
        <p class="trouble" role="alert" data-trouble hidden>
          {texts.notRefreshed}
        </p>
        <div class="toolbar">
          <strong data-live="count">{texts.usersOnline(totalCount)}</strong>
          <span class="search" role="search">
            <input
              type="search"
              name="q"
              value={search}
              placeholder={texts.searchUsers}
              aria-label={texts.searchUsers}
              maxLength={256}
            />
            <button type="submit">{texts.search}</button>
            {search === "" ? null : <a href={url}>{texts.showAll}</a>}
          </span>
          <a class="button danger" href={`${forceUrl}?everyone=1`} data-dialog>
            {texts.forceEveryoneEllipsis}
          </a>
        </div>
        <Selection {...view} />
        <div data-live="table">
          <Table {...view} />
        </div>
      </form>
    </Layout>,
  );
}

function Selection({ frame, url, forceUrl, selected, isFull, users }: LoginManagement) {
  const { texts } = frame;
  const shownIds = new Set(users.map(({ person }) => person.id));
  const elsewhere = selected.filter((userId) => !shownIds.has(userId));
  return (
    <div
      class="selection"
      data-selection
      data-none={selected.length === 0 ? "" : undefined}
      data-length={SELECTION_LENGTH}
    >
      <span data-one={texts.selected(1)} data-many={texts.selected(2)}>
        {selected.length === 0 ? null : texts.selected(selected.length)}
      </span>
      <span data-elsewhere>
        {elsewhere.map((userId) => (
          <input type="hidden" name="user" value={userId} key={userId} />
        ))}
      </span>
      <a href={url} data-clear>
        {texts.clear}
      </a>
      <button type="submit" class="danger" formAction={forceUrl} data-dialog>
        {texts.forceOfflineEllipsis}
      </button>
      <span role="status" data-full={texts.selectionFull}>
        {isFull ? texts.selectionFull : null}
      </span>
    </div>
  );
}

function Table(view: LoginManagement) {
  const { frame, appId, users, search, isCut } = view;
  const { texts } = frame;
  if (users.length === 0) {
    const nobody = search === "" ? texts.nobodyOnline(appId) : texts.nobodyFound;
    return <p class="empty">{isCut ? texts.tooManyFound : nobody}</p>;
  }
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">{texts.selectUser("")}</span>
            </th>
            <th scope="col">{texts.user}</th>
            <th scope="col">{texts.lastLogin}</th>
            <th scope="col">{texts.lastActive}</th>
            <th scope="col">{texts.logins}</th>
            <th scope="col">
              <span class="hidden">{texts.action}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <UserRow key={user.person.id} user={user} view={view} />
          ))}
        </tbody>
      </table>
      {isCut ? <p class="quiet">{texts.tooManyFound}</p> : null}
      <Pager {...view} />
    </>
  );
}

function UserRow({ user: { person, logins, loginsCount }, view }: { user: OnlineUser; view: LoginManagement }) {
  const { frame, forceUrl, selected } = view;
  const { texts } = frame;
  const [latest] = logins;
  const lastActive = new Date(Math.max(...logins.map((login) => +login.lastActive)));
  // An id that is no text cannot be sent by a browser: what it sends in its place may be somebody else's.
  const canBeNamed = person.id.isWellFormed();
  const forceUser = canBeNamed ? `${forceUrl}?user=${encodeURIComponent(person.id)}` : "";
  return (
    <tr data-user={person.id}>
      <td>
        {canBeNamed ? (
          <input
            type="checkbox"
            name="user"
            value={person.id}
            checked={selected.includes(person.id)}
            aria-label={texts.selectUser(person.name)}
          />
        ) : null}
      </td>
      <td>
        <div class="person">
          <Avatar person={person} />
          <span>
            <bdi class="name">{person.name}</bdi>
            <bdi class="quiet">{person.details.join(" · ")}</bdi>
          </span>
        </div>
      </td>
      <td data-label={texts.lastLogin}>
        {latest === undefined ? null : <ShortTime at={latest.began} texts={texts} />}
        <span class="quiet">{latest === undefined ? null : <Where login={latest} texts={texts} />}</span>
      </td>
      <td data-label={texts.lastActive}>
        <RelativeTime at={lastActive} texts={texts} />
      </td>
      <td data-label={texts.logins}>
        <details>
          <summary aria-label={texts.loginsOf(loginsCount, person.name)}>{formatNumber(loginsCount, texts)}</summary>
          <ul class="logins">
            {logins.map((login) => (
              <li key={login.id}>
                <span>
                  <Where login={login} texts={texts} /> · {texts.since} <ShortTime at={login.began} texts={texts} /> ·{" "}
                  {texts.active} <RelativeTime at={login.lastActive} texts={texts} />
                </span>
                {canBeNamed ? (
                  <a class="button" href={`${forceUser}&login=${encodeURIComponent(login.id)}`} data-dialog>
                    {texts.forceOfflineEllipsis}
                  </a>
                ) : null}
              </li>
            ))}
            {loginsCount > logins.length ? <li>{texts.andMore(loginsCount - logins.length)}</li> : null}
          </ul>
        </details>
      </td>
      <td>
        {canBeNamed ? (
          <a class="button" href={forceUser} data-dialog>
            {texts.forceOfflineEllipsis}
            <span class="hidden"> {person.name}</span>
          </a>
        ) : null}
      </td>
    </tr>
  );
}

function Where({ login, texts }: { login: Login; texts: Texts }) {
  const name = deviceInWords(readDevice(login.userAgent), texts.browserOn) ?? texts.unknownDevice;
  return (
    <>
      <bdi>{plainText(name)}</bdi> · <bdi>{login.ip ?? texts.unknownAddress}</bdi>
    </>
  );
}

function Pager({ frame, totalCount, page, limit, search }: LoginManagement) {
  const { texts } = frame;
  const pages = Math.max(1, Math.ceil(totalCount / limit));
  const near = [1, page - 1, page, page + 1, pages].filter((number) => number >= 1 && number <= pages);
  const numbers = [...new Set(near)];
  return (
    <nav class="pager" aria-label={texts.pages}>
      {search !== "" || pages === 1
        ? null
        : numbers.map((number, index) => (
            <>
              {index > 0 && number - (numbers[index - 1] ?? 0) > 1 ? <span>…</span> : null}
              <button type="submit" name="page" value={number} aria-current={number === page ? "page" : undefined}>
                {formatNumber(number, texts)}
              </button>
            </>
          ))}
      <span class="sizes">
        <select name="limit" aria-label={texts.perPage}>
          {PAGE_SIZES.map((size) => (
            <option key={size} value={size} selected={size === limit}>
              {size}
            </option>
          ))}
        </select>
        <span>{texts.perPage}</span>
        <button type="submit" data-scriptless>
          {texts.show}
        </button>
      </span>
    </nav>
  );
}
