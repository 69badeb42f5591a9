import type { LoginView } from "./login-view.js";
import { deviceInWords, readDevice } from "../util/device.js";
import { lastActiveOf } from "../util/last-active.js";
import { AroundSlot, formatNumber, isNow, plainText, RelativeTime, ShortTime } from "./format.js";
import { DeviceIcon, Icon } from "./icon.js";
import type { Texts } from "./texts/index.js";
import { Avatar, type UserView } from "./user-view.js";

/** How many logins a row of the table opens; the user's page has all. */
const OPENED = 10;

export interface OnlineUser {
  readonly person: UserView;
  /** The user's newest live logins, newest first. */
  readonly logins: readonly LoginView[];
  /** Number of all live logins of the user. */
  readonly loginsCount: number;
}

interface UserRowProps {
  readonly user: OnlineUser;
  readonly texts: Texts;
  readonly forceUrl: string;
  readonly userUrl: string;
  readonly isSelected: boolean;
  /** Whether the user's logins are shown below. */
  readonly isOpen: boolean;
  /** Whether the user is the reader. */
  readonly isYou: boolean;
}

/** Renders one row of the table of online users, and one with the user's logins if there are several. */
export function UserRow({ user, texts, forceUrl, userUrl, isSelected, isOpen, isYou }: UserRowProps) {
  const { person, logins, loginsCount } = user;
  // Browsers replace lone surrogates in an id when they send it, and the result may be the id of another user.
  const links = person.id.isWellFormed()
    ? {
        force: `${forceUrl}?user=${encodeURIComponent(person.id)}`,
        page: `${userUrl}?id=${encodeURIComponent(person.id)}`,
      }
    : undefined;
  return (
    <>
      <tr class={isSelected ? "checked" : undefined} data-user={person.id}>
        <td class="box">
          {links === undefined ? null : (
            <label class="tick">
              <input
                type="checkbox"
                name="user"
                value={person.id}
                checked={isSelected}
                // Browsers restore ticks by position, and another user may be there by now.
                autocomplete="off"
              />
              <span class="hidden">{texts.selectUser(person.name)}</span>
            </label>
          )}
        </td>
        <td class="user">
          <Person person={person} you={isYou ? texts.you : undefined} href={links?.page} />
        </td>
        <LastLoginCell login={logins[0]} texts={texts} />
        <td class="live-at" data-active>
          <Active at={lastActiveOf(logins)} texts={texts} />
        </td>
        <td class="has">
          <Count {...{ person, loginsCount, texts, isOpen }} />
        </td>
        <td class="act">
          {links === undefined ? null : (
            <a class="button ghost kick" href={links.force} data-dialog>
              {texts.forceOfflineEllipsis}
              <span class="hidden"> {person.name}</span>
            </a>
          )}
        </td>
      </tr>
      {loginsCount < 2 && !isOpen ? null : <LoginsRow user={user} texts={texts} links={links} isOpen={isOpen} />}
    </>
  );
}

interface LoginsRowProps extends Pick<UserRowProps, "user" | "texts" | "isOpen"> {
  readonly links: { readonly force: string; readonly page: string } | undefined;
}

/** Renders the newest logins of a user, over the whole width of the table. */
function LoginsRow({ user: { person, logins, loginsCount }, texts, links, isOpen }: LoginsRowProps) {
  return (
    <tr class="logins" data-logins-of={person.id} hidden={!isOpen}>
      <td colSpan={6}>
        <ul class="sub" aria-label={texts.loginsOf(loginsCount, person.name)}>
          {logins.slice(0, OPENED).map((login) => (
            <LoginItem key={login.id} login={login} texts={texts} forceUserUrl={links?.force} />
          ))}
        </ul>
        {links === undefined ? null : (
          <p class="sub-end">
            <a href={links.page}>{texts.allLoginsOf(loginsCount, person.name)}</a>
          </p>
        )}
      </td>
    </tr>
  );
}

interface PersonProps {
  readonly person: UserView;
  readonly you?: string | undefined;
  readonly href?: string | undefined;
}

/** Renders a user's picture, name and details. */
export function Person({ person, you, href }: PersonProps) {
  const details = person.details.join(" · ");
  return (
    <div class="person">
      <Avatar person={person} />
      <span>
        <span class="first">
          {href === undefined ? (
            <strong class="cut" title={person.name}>
              <bdi class="name">{person.name}</bdi>
            </strong>
          ) : (
            <a class="cut" href={href} title={person.name}>
              <bdi class="name">{person.name}</bdi>
            </a>
          )}
          {you === undefined ? null : <span class="badge you">{you}</span>}
        </span>
        <span class="second cut" title={details}>
          <bdi>{details}</bdi>
        </span>
      </span>
    </div>
  );
}

function LastLoginCell({ login, texts }: { login: LoginView | undefined; texts: Texts }) {
  if (login === undefined) return <td class="login" />;
  const address = login.ip ?? texts.unknownAddress;
  return (
    <td class="login">
      <span class="lines">
        <span class="cut">
          <ShortTime at={login.began} texts={texts} />{" "}
          <span class="quiet">
            · <bdi>{deviceName(login, texts)}</bdi>
          </span>
        </span>
        <span class="mono quiet cut" title={address}>
          <bdi>{address}</bdi>
        </span>
      </span>
    </td>
  );
}

/** Renders when a user or login was last active, with a dot for now. */
export function Active({ at, texts }: { at: Date; texts: Texts }) {
  return (
    <span class="active">
      {isNow(at) ? <span class="dot" /> : null}
      <RelativeTime at={at} texts={texts} />
    </span>
  );
}

interface CountProps {
  readonly person: UserView;
  readonly loginsCount: number;
  readonly texts: Texts;
  readonly isOpen: boolean;
}

function Count({ person, loginsCount, texts, isOpen }: CountProps) {
  const count = formatNumber(loginsCount, texts);
  if (loginsCount < 2 && !isOpen) return <span class="count">{count}</span>;
  return (
    <button
      // Its own name closes what is open: without a script, another press shows the page without it.
      type="submit"
      class="pill"
      name={isOpen ? "close" : "open"}
      value={person.id}
      aria-expanded={isOpen}
      data-pill
    >
      {count}
      <span class="hidden"> {texts.loginsOf(loginsCount, person.name)}</span>
      <Icon name="down" />
    </button>
  );
}

interface LoginItemProps {
  readonly login: LoginView;
  readonly texts: Texts;
  readonly forceUserUrl: string | undefined;
}

function LoginItem({ login, texts, forceUserUrl }: LoginItemProps) {
  return (
    <li data-login={login.id}>
      <DeviceIcon kind={readDevice(login.userAgent).kind} size="large" />
      <span class="lines what">
        <span class="first">
          <bdi>{deviceName(login, texts)}</bdi>
          <NewBadge login={login} texts={texts} />
        </span>
        <span class="second">
          <Whence login={login} texts={texts} />
        </span>
      </span>
      <span class="lines since">
        <span>
          <AroundSlot text={texts.since}>
            <ShortTime at={login.began} texts={texts} />
          </AroundSlot>
        </span>
      </span>
      <span data-active>
        <Active at={login.lastActive} texts={texts} />
      </span>
      <ForceLogin login={login} texts={texts} forceUserUrl={forceUserUrl} />
    </li>
  );
}

/** Renders the button that forces one login offline. */
export function ForceLogin({ login, texts, forceUserUrl }: LoginItemProps) {
  if (forceUserUrl === undefined) return <span />;
  return (
    <a class="button ghost kick" href={`${forceUserUrl}&login=${encodeURIComponent(login.id)}`} data-dialog>
      {texts.forceOfflineEllipsis}
      <span class="hidden">
        {" "}
        <DeviceAndAddress login={login} texts={texts} />
      </span>
    </a>
  );
}

/** Renders where a login comes from, and how it was made. */
export function Whence({ login: { ip, place, method }, texts }: { login: LoginView; texts: Texts }) {
  return (
    <>
      <bdi class="mono">{ip ?? texts.unknownAddress}</bdi>
      {[place, method].map((known) =>
        known === undefined || known === "" ? null : (
          <>
            {" "}
            · <bdi>{plainText(known)}</bdi>
          </>
        ),
      )}
    </>
  );
}

export function NewBadge({ login, texts }: { login: LoginView; texts: Texts }) {
  return login.isNew === true ? <span class="badge new">{texts.newDevice}</span> : null;
}

export function deviceName(login: LoginView, texts: Texts): string {
  const device = readDevice(login.userAgent);
  const name = deviceInWords(device, texts.browserOn) ?? texts.unknownDevice;
  return plainText(device.kind === "client" ? texts.apiClient(name) : name);
}

export function DeviceAndAddress({ login, texts }: { login: LoginView; texts: Texts }) {
  return (
    <>
      <bdi>{deviceName(login, texts)}</bdi> · <bdi>{login.ip ?? texts.unknownAddress}</bdi>
    </>
  );
}
