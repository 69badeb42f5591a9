import type { Login } from "../types/login.js";
import { AroundSlot, ShortTime } from "./format.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import { Avatar, type UserView } from "./user-view.js";
import type { Texts } from "./texts/index.js";
import { DeviceAndAddress } from "./user-row.js";

const PEOPLE_SHOWN = 20;

/** The users or the login that the form forces offline. */
export type Target =
  | {
      readonly kind: "users";
      readonly people: readonly UserView[];
      /** The login that ends; `undefined`: all of the users'. */
      readonly login: Login | undefined;
      /** Number of these users who are offline by now. */
      readonly offline: number;
      /** Whether the login of the reader ends as well. */
      readonly isYou: boolean;
      /** The same users or login, as the value of a form field. */
      readonly selection: string;
    }
  | { readonly kind: "everyone" };

export interface Confirmation {
  readonly frame: PageContext;
  readonly appId: string;
  readonly url: string;
  readonly forceUrl: string;
  readonly target: Target;
  /** Number of users; of everyone: of the others. */
  readonly users: number;
  /** Number of listed logins that end; `undefined` for everyone. */
  readonly logins: number | undefined;
}

/** Renders the question before users are forced offline. The script shows this page as a dialog. */
export function confirmationPage({ frame, appId, url, forceUrl, target, users, logins }: Confirmation): string {
  const { texts } = frame;
  const title = question(target, users, appId, texts);
  return renderPage(
    <Layout frame={frame} title={title} width="narrow" breadcrumb={[texts.applications, appId, texts.loginManagement]}>
      <form method="post" action={forceUrl} class="confirmation" data-confirmation data-stopped={texts.stopped}>
        {/* Enter in a text field activates the first button. Disabled, it keeps Enter from forcing users offline. */}
        <button type="submit" disabled hidden />
        <h1 id="question">
          <bdi>{title}</bdi>
        </h1>
        {target.kind === "users" ? <People people={target.people} title={title} texts={texts} /> : null}
        {target.kind === "users" && target.login !== undefined ? <OneLogin login={target.login} texts={texts} /> : null}
        <Consequence target={target} users={users} logins={logins} texts={texts} />
        {target.kind === "everyone" ? (
          <>
            <label class="tick">
              <input type="checkbox" name="me" value="1" autocomplete="off" /> {texts.logMeOutToo}
            </label>
            <label>
              {texts.typeApplicationId(appId)}
              <input name="everyone" required pattern={escapePattern(appId)} autocomplete="off" />
            </label>
          </>
        ) : (
          <input type="hidden" name="selection" value={target.selection} />
        )}
        <label>
          {texts.reason} <span class="quiet">{texts.reasonHint}</span>
          <input name="reason" maxLength={500} autocomplete="off" />
        </label>
        <p class="progress" data-progress hidden>
          <progress />
          <span role="status" />
        </p>
        <p class="result" role="alert" data-result tabIndex={-1} />
        <p class="buttons">
          <a class="button" href={url} data-cancel data-stop={texts.stop} data-close={texts.close}>
            {texts.cancel}
          </a>
          <button type="submit" class="danger solid" data-again={texts.tryAgain}>
            {texts.forceOffline}
          </button>
        </p>
      </form>
    </Layout>,
  );
}

interface ConsequenceProps extends Pick<Confirmation, "target" | "users" | "logins"> {
  readonly texts: Texts;
}

/** Says how many logins end, and who has to log in again. A line each: sentences in Chinese have no space between them. */
function Consequence({ target, users, logins, texts }: ConsequenceProps) {
  if (target.kind === "everyone") return <p>{texts.everyoneElseMustLogInAgain}</p>;
  const { offline, isYou } = target;
  return (
    <p>
      {logins === undefined || logins === 0 ? null : <span class="line">{texts.endsLogins(logins)}</span>}
      {offline > 0 && users > 1 ? <span class="line">{texts.usersOffline(offline)}</span> : null}
      <span class="line">{users === 1 ? texts.userMustLogInAgain : texts.usersMustLogInAgain}</span>
      {isYou ? <strong class="line">{texts.includesYou}</strong> : null}
    </p>
  );
}

/** Lists the users, or the first 20 of them, with the details by which namesakes differ. */
function People({ people, title, texts }: { people: readonly UserView[]; title: string; texts: Texts }) {
  const rest = people.length - PEOPLE_SHOWN;
  return (
    // The list scrolls: readers without a pointer reach it by its focus.
    <ul class="people" tabIndex={0} aria-label={title}>
      {people.slice(0, PEOPLE_SHOWN).map((person) => (
        <li key={person.id} class="person">
          <Avatar person={person} />
          <span>
            <bdi class="name">{person.name}</bdi>
            <bdi class="quiet">{person.details.join(" · ")}</bdi>
          </span>
        </li>
      ))}
      {rest > 0 ? <li>{texts.andMore(rest)}</li> : null}
    </ul>
  );
}

function OneLogin({ login, texts }: { login: Login; texts: Texts }) {
  return (
    <p>
      <DeviceAndAddress login={login} texts={texts} /> ·{" "}
      <AroundSlot text={texts.since}>
        <ShortTime at={login.began} texts={texts} />
      </AroundSlot>
    </p>
  );
}

function question(target: Target, users: number, appId: string, texts: Texts): string {
  if (target.kind === "everyone") return texts.forceEveryoneQuestion(users, appId);
  const [first] = target.people;
  if (target.people.length !== 1 || first === undefined) return texts.forceUsersQuestion(users);
  return target.login === undefined ? texts.forceUserQuestion(first.name) : texts.forceLoginQuestion(first.name);
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
