import type { AuditAction } from "../audit/entry.js";
import { formatNumber, ShortTime } from "./format.js";
import { Icon } from "./icon.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import type { Texts } from "./texts/index.js";
import { Person } from "./user-row.js";
import type { UserView } from "./user-view.js";

/** What one kick, or another event, did. */
export interface HistoryRow {
  readonly at: Date;
  readonly action: AuditAction;
  /** Some of the users; none for everyone. */
  readonly people: readonly UserView[];
  readonly users: number;
  readonly logins: number;
  readonly by: string | undefined;
  readonly reason: string | undefined;
  /** How many of the users it has failed for. */
  readonly failed: number;
}

export interface HistoryPage {
  readonly frame: PageContext;
  readonly appId: string;
  /** Address of the list of users. */
  readonly url: string;
  readonly usersUrl: string;
  readonly historyUrl: string;
  /** Only entries about this user. */
  readonly userId: string | undefined;
  /** Only entries with this `by`. */
  readonly by: string | undefined;
  readonly rows: readonly HistoryRow[];
  /** Reads the next page. */
  readonly cursor: string | undefined;
  /** Whether the address asked for a page that is none. */
  readonly isWrong: boolean;
}

/** Renders who forced whom offline, when, why, and how many. */
export function historyPage(view: HistoryPage): string {
  const { frame, appId, url, historyUrl, rows, cursor, isWrong } = view;
  const { texts } = frame;
  return renderPage(
    <Layout
      frame={frame}
      title={`${texts.history} · ${texts.loginManagement}`}
      width="wide"
      breadcrumb={[{ label: appId }, { label: texts.loginManagement, href: url }, { label: texts.history }]}
    >
      <form method="get" action={historyUrl}>
        <div class="title">
          <div>
            <h1 tabIndex={-1}>{texts.history}</h1>
            <p class="live">{texts.historyIntro}</p>
          </div>
        </div>
        <Toolbar {...view} />
        {isWrong ? (
          <p class="note error" role="alert">
            {texts.pageNotFound}
          </p>
        ) : null}
        {rows.length === 0 ? <p class="blank">{texts.noHistory}</p> : <Rows {...view} />}
        {cursor === undefined ? null : (
          <p class="pager">
            <span class="pages">
              <button type="submit" name="cursor" value={cursor}>
                {texts.next}
              </button>
            </span>
          </p>
        )}
      </form>
    </Layout>,
  );
}

function Toolbar({ frame, historyUrl, userId, by }: HistoryPage) {
  const { texts } = frame;
  return (
    <div class="toolbar">
      <div class="search" role="search">
        <Icon name="search" />
        <input
          type="search"
          name="user"
          value={userId ?? ""}
          placeholder={texts.userId}
          aria-label={texts.userId}
          maxLength={256}
        />
      </div>
      <label class="field inline">
        <span class="hidden">{texts.by}</span>
        <input name="by" value={by ?? ""} placeholder={texts.by} maxLength={256} autocomplete="off" />
      </label>
      <button type="submit">{texts.search}</button>
      {userId === undefined && by === undefined ? null : <a href={historyUrl}>{texts.showAll}</a>}
    </div>
  );
}

function Rows(view: HistoryPage) {
  const { frame, rows } = view;
  const { texts } = frame;
  return (
    <table class="events">
      <caption class="hidden">{texts.historyIntro}</caption>
      <colgroup>
        <col class="c-130" />
        <col />
        <col class="c-130" />
        <col />
        <col class="c-80" />
        <col class="c-120" />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">{texts.when}</th>
          <th scope="col">{texts.user}</th>
          <th scope="col">{texts.by}</th>
          <th scope="col">{texts.reason}</th>
          <th scope="col" class="end">
            {texts.logins}
          </th>
          <th scope="col">{texts.event}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <Row key={index} row={row} {...view} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ row, frame, appId, usersUrl, historyUrl }: HistoryPage & { row: HistoryRow }) {
  const { texts } = frame;
  return (
    <tr>
      <td data-label={texts.when}>
        <ShortTime at={row.at} texts={texts} />
      </td>
      <td data-label={texts.user}>
        <Whom row={row} appId={appId} usersUrl={usersUrl} texts={texts} />
      </td>
      <td data-label={texts.by}>
        {row.by === undefined ? null : (
          <a class="cut" href={`${historyUrl}?${new URLSearchParams({ by: row.by }).toString()}`} title={row.by}>
            <bdi>{row.by}</bdi>
          </a>
        )}
      </td>
      <td data-label={texts.reason}>
        <span class="cut" title={row.reason}>
          <bdi>{row.reason}</bdi>
        </span>
      </td>
      <td data-label={texts.logins} class="num end">
        {formatNumber(row.logins, texts)}
      </td>
      <td data-label={texts.event}>
        {row.failed > 0 ? (
          <span class="badge bad">{texts.failedFor(row.failed)}</span>
        ) : (
          <span class="quiet">{actionName(row.action, texts)}</span>
        )}
      </td>
    </tr>
  );
}

interface WhomProps {
  readonly row: HistoryRow;
  readonly appId: string;
  readonly usersUrl: string;
  readonly texts: Texts;
}

function Whom({ row: { action, people, users }, appId, usersUrl, texts }: WhomProps) {
  const [first] = people;
  if (first === undefined) return <span>{action === "kick-everyone" ? texts.everyoneOf(appId) : null}</span>;
  if (users === 1) {
    const href = first.id.isWellFormed() ? `${usersUrl}?id=${encodeURIComponent(first.id)}` : undefined;
    return <Person person={first} href={href} />;
  }
  const names = people.map(({ name }) => name).join(", ");
  const rest = users - people.length;
  return (
    <span class="lines">
      <strong>{texts.usersCount(users)}</strong>
      <span class="second cut">
        <bdi>{rest > 0 ? `${names}, ${texts.andMore(rest)}` : names}</bdi>
      </span>
    </span>
  );
}

/** Returns what an entry of the history records, in words. */
export function actionName(action: AuditAction, texts: Texts): string {
  const names: Readonly<Record<AuditAction, string>> = {
    login: texts.events.login,
    logout: texts.events.logout,
    confirmed: texts.events.confirmed,
    kick: texts.events.kick,
    "kick-everyone": texts.events.kick,
    limit: texts.events.limit,
    lifetime: texts.events.lifetime,
    rejected: texts.events.rejected,
    denied: texts.events.denied,
  };
  return names[action];
}
