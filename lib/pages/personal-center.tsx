import type { LoginView } from "./login-view.js";
import { readDevice } from "../util/device.js";
import { AroundSlot, RelativeTime, ShortTime } from "./format.js";
import { DeviceIcon } from "./icon.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import type { Texts } from "./texts/index.js";
import { deviceName, NewBadge, Whence } from "./user-row.js";

/** Maximum number of logins on the page. */
export const MAX_SHOWN = 100;

export interface PersonalCenter {
  readonly frame: PageContext;
  /** At most {@link MAX_SHOWN} logins of the user: first the current one, then the newest. */
  readonly logins: readonly LoginView[];
  /** Number of all logins of the user. */
  readonly total: number;
  readonly currentId: string;
  readonly endLoginUrl: string;
  readonly endOthersUrl: string;
  /** Where users secure their account. */
  readonly securityUrl: string | undefined;
  /** Result of the last action. */
  readonly status: string | undefined;
}

export function personalCenterPage({
  frame,
  logins,
  total,
  currentId,
  endLoginUrl,
  endOthersUrl,
  securityUrl,
  status,
}: PersonalCenter): string {
  const { texts } = frame;
  const others = total - 1;
  return renderPage(
    <Layout frame={frame} title={texts.whereLoggedIn} width="narrow">
      <h1>{texts.whereLoggedIn}</h1>
      <p class="lead">{texts.devicesIntro}</p>
      <p class="status" role="status" tabIndex={-1}>
        {status}
      </p>
      <ul class="devices">
        {logins.map((login) => (
          <Device
            key={login.id}
            login={login}
            texts={texts}
            isCurrent={login.id === currentId}
            endLoginUrl={endLoginUrl}
            securityUrl={securityUrl}
          />
        ))}
      </ul>
      <div class="below">
        <span>{total > logins.length ? texts.andMore(total - logins.length) : null}</span>
        {others < 1 ? null : (
          <form method="post" action={endOthersUrl}>
            <button type="submit" class="danger">
              {texts.logOutEverywhereElse(others)}
            </button>
          </form>
        )}
      </div>
    </Layout>,
  );
}

interface DeviceProps {
  readonly login: LoginView;
  readonly texts: Texts;
  readonly isCurrent: boolean;
  readonly securityUrl: string | undefined;
  readonly endLoginUrl: string;
}

function Device({ login, texts, isCurrent, endLoginUrl, securityUrl }: DeviceProps) {
  const name = deviceName(login, texts);
  return (
    <li data-login={login.id}>
      <span class="tile">
        <DeviceIcon kind={readDevice(login.userAgent).kind} size="large" />
      </span>
      <div class="lines">
        <p class="first">
          <bdi class="name">{name}</bdi>
          {isCurrent ? <span class="badge here">{texts.thisDevice}</span> : <NewBadge login={login} texts={texts} />}
        </p>
        <p class="second">
          <Whence login={login} texts={texts} />
        </p>
      </div>
      <div class="lines when">
        <span>
          <AroundSlot text={texts.active}>
            <RelativeTime at={login.lastActive} texts={texts} />
          </AroundSlot>
        </span>
        <span class="second">
          <AroundSlot text={texts.since}>
            <ShortTime at={login.began} texts={texts} />
          </AroundSlot>
        </span>
      </div>
      {isCurrent ? null : (
        <form method="post" action={endLoginUrl}>
          <input type="hidden" name="loginId" value={login.id} />
          <button type="submit" aria-label={texts.logOutDevice(name)}>
            {texts.logOut}
          </button>
        </form>
      )}
      {isCurrent || login.isNew !== true || securityUrl === undefined ? null : (
        <p class="warning">
          <a href={securityUrl}>{texts.notYou}</a>
        </p>
      )}
    </li>
  );
}
