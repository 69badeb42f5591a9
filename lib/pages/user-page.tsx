import type { AuditEntry } from "../audit/entry.js";
import type { LoginView } from "./login-view.js";
import { readDevice } from "../util/device.js";
import { ShortTime } from "./format.js";
import { actionName } from "./history-page.js";
import { DeviceIcon, Icon } from "./icon.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import { Pages } from "./pager.js";
import type { Texts } from "./texts/index.js";
import { Active, deviceName, ForceLogin, NewBadge, Whence } from "./user-row.js";
import { Avatar, type UserView } from "./user-view.js";

/** How many logins a page of a user shows. */
export const USER_PAGE_LOGINS = 50;

export interface UserPage {
  readonly frame: PageContext;
  readonly appId: string;
  /** Address of the list of users. */
  readonly url: string;
  readonly usersUrl: string;
  readonly forceUrl: string;
  readonly historyUrl: string | undefined;
  readonly person: UserView;
  /** Whether the user is the reader. */
  readonly isYou: boolean;
  readonly currentId: string;
  readonly logins: readonly LoginView[];
  readonly total: number;
  readonly page: number;
  /** The newest entries about the user, newest first. */
  readonly history: readonly AuditEntry[];
}

/** Renders everything about one user: all logins, and what happened to them. */
export function userPage(view: UserPage): string {
  const { frame, appId, url, usersUrl, person, total, page, logins } = view;
  const { texts } = frame;
  return renderPage(
    <Layout
      frame={frame}
      title={`${person.name} · ${texts.loginManagement}`}
      width="wide"
      breadcrumb={[{ label: appId }, { label: texts.loginManagement, href: url }, { label: person.name }]}
    >
      <div data-user-page>
        <Title {...view} />
        <p class="note error" role="alert" data-trouble hidden>
          {texts.notReloaded}
        </p>
        <p class="status" role="status" tabIndex={-1} data-status data-failed={texts.tryAgainLater} />
        <div class="rail">
          <section aria-labelledby="logins">
            <div class="section">
              <h2 id="logins">{texts.loginsCount(total)}</h2>
            </div>
            {logins.length === 0 ? <p class="blank">{texts.notLoggedIn(person.name)}</p> : <Logins {...view} />}
            <form method="get" action={usersUrl}>
              <input type="hidden" name="id" value={person.id} />
              <Pages texts={texts} page={page} limit={USER_PAGE_LOGINS} total={total} />
            </form>
          </section>
          <History {...view} />
        </div>
      </div>
    </Layout>,
  );
}

function Title({ frame, person, isYou, total, forceUrl }: UserPage) {
  const { texts } = frame;
  const forceUserUrl = forceUrlOf(person, forceUrl);
  return (
    <div class="title">
      <div class="profile">
        <Avatar person={person} size="big" />
        <div class="lines">
          <h1 tabIndex={-1}>
            <bdi>{person.name}</bdi>
            {isYou ? <span class="badge you">{texts.you}</span> : null}
          </h1>
          <p class="ids">
            <Copied text={person.id} texts={texts} isCode />
            {person.details
              .filter((detail) => detail !== person.id)
              .map((detail) => (
                <Copied text={detail} texts={texts} key={detail} />
              ))}
          </p>
        </div>
      </div>
      <div class="buttons">
        {forceUserUrl === undefined || total === 0 ? null : (
          <a class="button danger" href={forceUserUrl} data-dialog>
            {texts.forceOfflineEllipsis}
            <span class="hidden"> {person.name}</span>
          </a>
        )}
      </div>
    </div>
  );
}

/** An id that no address can carry as it is has no link. */
function forceUrlOf({ id }: UserView, forceUrl: string): string | undefined {
  return id.isWellFormed() ? `${forceUrl}?user=${encodeURIComponent(id)}` : undefined;
}

/** Renders a text that is copied by a press: also without a script it can be selected. */
function Copied({ text, texts, isCode = false }: { text: string; texts: Texts; isCode?: boolean }) {
  return (
    <span class="copy">
      <bdi class={isCode ? "mono" : undefined}>{text}</bdi>
      <button type="button" aria-label={texts.copy(text)} data-copy={text}>
        <Icon name="copy" />
      </button>
    </span>
  );
}

function Logins(view: UserPage) {
  const { frame, person, logins } = view;
  const { texts } = frame;
  return (
    <table class="events">
      <caption class="hidden">{texts.loginsOf(logins.length, person.name)}</caption>
      <colgroup>
        <col />
        <col class="c-150" />
        <col class="c-130" />
        <col class="c-130" />
        <col class="c-150" />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">{texts.device}</th>
          <th scope="col">{texts.lastLogin}</th>
          <th scope="col">{texts.lastActive}</th>
          <th scope="col">{texts.expires}</th>
          <th scope="col">
            <span class="hidden">{texts.action}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {logins.map((login) => (
          <LoginRow key={login.id} login={login} {...view} />
        ))}
      </tbody>
    </table>
  );
}

function LoginRow({ login, frame, person, currentId, forceUrl }: UserPage & { login: LoginView }) {
  const { texts } = frame;
  return (
    <tr data-login={login.id}>
      <td class="what">
        <div class="person">
          <span class="avatar">
            <DeviceIcon kind={readDevice(login.userAgent).kind} />
          </span>
          <span>
            <span class="first">
              <bdi>{deviceName(login, texts)}</bdi>
              {login.id === currentId ? <span class="badge here">{texts.thisDevice}</span> : null}
              <NewBadge login={login} texts={texts} />
            </span>
            <span class="second">
              <Whence login={login} texts={texts} />
            </span>
          </span>
        </div>
      </td>
      <td data-label={texts.lastLogin}>
        <ShortTime at={login.began} texts={texts} />
      </td>
      <td data-label={texts.lastActive}>
        <Active at={login.lastActive} texts={texts} />
      </td>
      <td data-label={texts.expires}>
        <ShortTime at={login.expires} texts={texts} />
      </td>
      <td class="act">
        <ForceLogin login={login} texts={texts} forceUserUrl={forceUrlOf(person, forceUrl)} />
      </td>
    </tr>
  );
}

function History({ frame, person, history, historyUrl }: UserPage) {
  const { texts } = frame;
  if (historyUrl === undefined) return null;
  return (
    <section aria-labelledby="history">
      <div class="section">
        <h2 id="history">{texts.history}</h2>
        <a class="small" href={`${historyUrl}?${new URLSearchParams({ user: person.id }).toString()}`}>
          {texts.showAll}
        </a>
      </div>
      {history.length === 0 ? <p class="quiet small">{texts.noHistory}</p> : null}
      <ol class="timeline">
        {history.map((entry) => (
          <li key={`${entry.id} ${entry.at}`} class={entry.action === "kick" ? "kick" : undefined}>
            <span>{actionName(entry.action, texts)}</span>{" "}
            <span class="quiet">
              <ShortTime at={new Date(entry.at)} texts={texts} />
              {entry.by === undefined ? null : (
                <>
                  {" "}
                  · <bdi>{entry.by}</bdi>
                </>
              )}
            </span>
            {entry.reason === undefined ? null : (
              <q>
                <bdi>{entry.reason}</bdi>
              </q>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
