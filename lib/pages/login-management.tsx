import { AroundSlot, formatNumber, plainText } from "./format.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import { UserRow, type OnlineUser } from "./user-row.js";

export type { OnlineUser } from "./user-row.js";

export const PAGE_SIZES = [10, 20, 50] as const;
/** Maximum length, in characters, of a selection in an address. Servers accept addresses of up to 8 kB. */
export const SELECTION_LENGTH = 7_500;

export interface LoginManagement {
  readonly frame: PageContext;
  readonly appId: string;
  readonly url: string;
  /** Address of the confirmation page. */
  readonly forceUrl: string;
  readonly totalCount: number;
  readonly users: readonly OnlineUser[];
  readonly page: number;
  readonly limit: number;
  readonly search: string;
  /** Whether the search has more results than the page shows. */
  readonly isCut: boolean;
  /** Ids of the selected users, on this page and others. */
  readonly selected: readonly string[];
  /** Whether more users were selected than an address can carry. */
  readonly isFull: boolean;
  /** Result of the last action: a success. */
  readonly status: string | undefined;
}

/** Renders the table of online users. One form holds the table, so that every button keeps the selection without a script. */
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
      <p class="status" role="status" data-status data-failed={texts.tryAgainLater}>
        {status}
      </p>
      <form method="get" action={url} class="table" data-table>
        <p class="trouble" role="alert" data-trouble hidden>
          {texts.notRefreshed}
        </p>
        <div class="toolbar">
          <span>
            <strong data-live="count">{texts.usersOnline(totalCount)}</strong>
            <button type="button" class="newcomers" data-newcomers={texts.newcomers(2)} hidden />
          </span>
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
        <div data-table-of={texts.offline}>
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
  const { frame, appId, forceUrl, users, selected, search, isCut } = view;
  const { texts } = frame;
  if (users.length === 0) {
    return (
      <p class="empty">
        {search === "" ? texts.noUsersOnline(appId) : isCut ? texts.tooManyMatches : <NoMatches {...view} />}
      </p>
    );
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
            <UserRow
              key={user.person.id}
              user={user}
              texts={texts}
              forceUrl={forceUrl}
              isSelected={selected.includes(user.person.id)}
              isYou={user.person.id === frame.user?.person.id}
            />
          ))}
        </tbody>
      </table>
      {isCut ? <p class="quiet">{texts.firstMatches(users.length)}</p> : null}
      <Pager {...view} />
    </>
  );
}

function NoMatches({ frame, search }: LoginManagement) {
  return (
    <AroundSlot text={frame.texts.noMatches}>
      <bdi>{plainText(search)}</bdi>
    </AroundSlot>
  );
}

function Pager({ frame, totalCount, page, limit, search }: LoginManagement) {
  const { texts } = frame;
  const pages = Math.max(1, Math.ceil(totalCount / limit));
  const near = [1, page - 1, page, page + 1, pages].filter((number) => number >= 1 && number <= pages);
  const numbers = [...new Set(near)];
  return (
    <nav class="pager" aria-label={texts.pages} data-live="pager">
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
