import type { Login } from "../types/login.js";
import { deviceInWords, readDevice } from "../util/device.js";
import { AroundSlot, plainText, RelativeTime, ShortTime } from "./format.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import type { Texts } from "./texts/index.js";

/** Maximum number of logins on the page. */
export const MAX_SHOWN = 100;

export interface PersonalCenter {
  readonly frame: PageContext;
  /** At most {@link MAX_SHOWN} logins of the user: first the current one, then the newest. */
  readonly logins: readonly Login[];
  /** Number of all logins of the user. */
  readonly total: number;
  readonly currentId: string;
  readonly endLoginUrl: string;
  readonly endOthersUrl: string;
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
  status,
}: PersonalCenter): string {
  const { texts } = frame;
  const others = total - 1;
  return renderPage(
    <Layout frame={frame} title={texts.whereLoggedIn} width="narrow">
      <h1>{texts.whereLoggedIn}</h1>
      <p class="quiet">{texts.devicesIntro}</p>
      <p class="status" role="status">
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
          />
        ))}
      </ul>
      {total > logins.length ? <p class="quiet">{texts.andMore(total - logins.length)}</p> : null}
      {others < 1 ? null : (
        <form method="post" action={endOthersUrl} class="end">
          <button type="submit" class="danger">
            {texts.logOutEverywhereElse(others)}
          </button>
        </form>
      )}
    </Layout>,
  );
}

interface DeviceProps {
  readonly login: Login;
  readonly texts: Texts;
  readonly isCurrent: boolean;
  readonly endLoginUrl: string;
}

function Device({ login, texts, isCurrent, endLoginUrl }: DeviceProps) {
  const device = readDevice(login.userAgent);
  const name = plainText(deviceInWords(device, texts.browserOn) ?? texts.unknownDevice);
  return (
    <li data-login={login.id}>
      <DeviceIcon kind={device.kind} />
      <div>
        <p class="name">
          <bdi>{name}</bdi>
          {isCurrent ? <span class="badge">{texts.thisDevice}</span> : null}
        </p>
        <p class="quiet">
          <bdi>{login.ip ?? texts.unknownAddress}</bdi> ·{" "}
          <AroundSlot text={texts.since}>
            <ShortTime at={login.began} texts={texts} />
          </AroundSlot>{" "}
          ·{" "}
          <AroundSlot text={texts.active}>
            <RelativeTime at={login.lastActive} texts={texts} />
          </AroundSlot>
        </p>
      </div>
      {isCurrent ? null : (
        <form method="post" action={endLoginUrl}>
          <input type="hidden" name="loginId" value={login.id} />
          <button type="submit" aria-label={texts.logOutDevice(name)}>
            {texts.logOut}
          </button>
        </form>
      )}
    </li>
  );
}

/** Draws a screen or a phone. An icon font or emoji may be missing on the reader's machine. */
function DeviceIcon({ kind }: { kind: string | undefined }) {
  const isHandheld = kind === "mobile" || kind === "tablet";
  return (
    <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      {isHandheld ? (
        <path d="M8 2h8a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2Zm3 17h2" />
      ) : (
        <path d="M4 4h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1Zm4 16h8m-4-4v4" />
      )}
    </svg>
  );
}
