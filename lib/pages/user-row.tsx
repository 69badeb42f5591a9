import type { Login } from "../types/login.js";
import { deviceInWords, readDevice } from "../util/device.js";
import { AroundSlot, formatNumber, plainText, RelativeTime, ShortTime } from "./format.js";
import type { Texts } from "./texts/index.js";
import { Avatar, type UserView } from "./user-view.js";

export interface OnlineUser {
  readonly person: UserView;
  /** The user's newest live logins, newest first. */
  readonly logins: readonly Login[];
  /** Number of all live logins of the user. */
  readonly loginsCount: number;
}

interface UserRowProps {
  readonly user: OnlineUser;
  readonly texts: Texts;
  readonly forceUrl: string;
  readonly isSelected: boolean;
  /** Whether the user is the reader. */
  readonly isYou: boolean;
}

/** Renders one row of the table of online users. */
export function UserRow({ user, texts, forceUrl, isSelected, isYou }: UserRowProps) {
  const { person } = user;
  // Browsers replace lone surrogates in an id when they send it, and the result may be the id of another user.
  const forceUserUrl = person.id.isWellFormed() ? `${forceUrl}?user=${encodeURIComponent(person.id)}` : undefined;
  return (
    <tr data-user={person.id}>
      <td>
        {forceUserUrl === undefined ? null : (
          <input
            type="checkbox"
            name="user"
            value={person.id}
            checked={isSelected}
            aria-label={texts.selectUser(person.name)}
            // Browsers restore ticks by position, and another user may be there by now.
            autocomplete="off"
          />
        )}
      </td>
      <UserCell person={person} you={isYou ? texts.you : undefined} />
      <LastLoginCell login={user.logins[0]} texts={texts} />
      <LastActiveCell logins={user.logins} texts={texts} />
      <LoginsCell user={user} texts={texts} forceUserUrl={forceUserUrl} />
      <ActionCell person={person} texts={texts} forceUserUrl={forceUserUrl} />
    </tr>
  );
}

function UserCell({ person, you }: { person: UserView; you: string | undefined }) {
  return (
    <td>
      <div class="person">
        <Avatar person={person} />
        <span>
          <span class="title">
            <bdi class="name">{person.name}</bdi>
            {you === undefined ? null : <span class="badge">{you}</span>}
          </span>
          <bdi class="quiet">{person.details.join(" · ")}</bdi>
        </span>
      </div>
    </td>
  );
}

function LastLoginCell({ login, texts }: { login: Login | undefined; texts: Texts }) {
  return (
    <td data-label={texts.lastLogin}>
      {login === undefined ? null : <ShortTime at={login.began} texts={texts} />}
      <span class="quiet">{login === undefined ? null : <DeviceAndAddress login={login} texts={texts} />}</span>
    </td>
  );
}

function LastActiveCell({ logins, texts }: { logins: readonly Login[]; texts: Texts }) {
  const lastActive = new Date(Math.max(...logins.map((login) => +login.lastActive)));
  return (
    <td data-label={texts.lastActive} data-active>
      <RelativeTime at={lastActive} texts={texts} />
    </td>
  );
}

interface LoginsCellProps {
  readonly user: OnlineUser;
  readonly texts: Texts;
  /** Address of the confirmation page for this user; `undefined` if an address cannot contain the user's id. */
  readonly forceUserUrl: string | undefined;
}

function LoginsCell({ user: { person, logins, loginsCount }, texts, forceUserUrl }: LoginsCellProps) {
  return (
    <td data-label={texts.logins}>
      <details>
        <summary aria-label={texts.loginsOf(loginsCount, person.name)}>{formatNumber(loginsCount, texts)}</summary>
        <ul class="logins">
          {logins.map((login) => (
            <LoginItem key={login.id} login={login} texts={texts} forceUserUrl={forceUserUrl} />
          ))}
          {loginsCount > logins.length ? <li>{texts.andMore(loginsCount - logins.length)}</li> : null}
        </ul>
      </details>
    </td>
  );
}

interface LoginItemProps {
  readonly login: Login;
  readonly texts: Texts;
  readonly forceUserUrl: string | undefined;
}

function LoginItem({ login, texts, forceUserUrl }: LoginItemProps) {
  return (
    <li>
      <span>
        <DeviceAndAddress login={login} texts={texts} /> ·{" "}
        <AroundSlot text={texts.since}>
          <ShortTime at={login.began} texts={texts} />
        </AroundSlot>{" "}
        ·{" "}
        <AroundSlot text={texts.active}>
          <RelativeTime at={login.lastActive} texts={texts} />
        </AroundSlot>
      </span>
      {forceUserUrl === undefined ? null : (
        <a class="button" href={`${forceUserUrl}&login=${encodeURIComponent(login.id)}`} data-dialog>
          {texts.forceOfflineEllipsis}
          <span class="hidden">
            {" "}
            <DeviceAndAddress login={login} texts={texts} />
          </span>
        </a>
      )}
    </li>
  );
}

interface ActionCellProps {
  readonly person: UserView;
  readonly texts: Texts;
  readonly forceUserUrl: string | undefined;
}

function ActionCell({ person, texts, forceUserUrl }: ActionCellProps) {
  return (
    <td>
      {forceUserUrl === undefined ? null : (
        <a class="button" href={forceUserUrl} data-dialog>
          {texts.forceOfflineEllipsis}
          <span class="hidden"> {person.name}</span>
        </a>
      )}
    </td>
  );
}

export function DeviceAndAddress({ login, texts }: { login: Login; texts: Texts }) {
  const name = deviceInWords(readDevice(login.userAgent), texts.browserOn) ?? texts.unknownDevice;
  return (
    <>
      <bdi>{plainText(name)}</bdi> · <bdi>{login.ip ?? texts.unknownAddress}</bdi>
    </>
  );
}
