import type { ComponentChildren } from "preact";
import type { LoginView } from "./login-view.js";
import { AroundSlot, RelativeTime, ShortTime } from "./format.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import { ReasonField, Stats } from "./reason-field.js";
import type { Texts } from "./texts/index.js";
import { deviceName, Person, Whence } from "./user-row.js";
import type { UserView } from "./user-view.js";

const PEOPLE_SHOWN = 20;

/** The users or the login that the form forces offline. */
export type Target =
  | {
      readonly kind: "users";
      readonly people: readonly UserView[];
      /** The login that ends; `undefined`: all of the users'. */
      readonly login: LoginView | undefined;
      /** Number of these users who are offline by now. */
      readonly offline: number;
      /** Whether the login of the reader ends as well. */
      readonly isYou: boolean;
      /** The same users or login, as the value of a form field. */
      readonly selection: string;
    }
  | {
      readonly kind: "found";
      /** Some of them. */
      readonly people: readonly UserView[];
      /** How many other administrators were found; `undefined` if it is not known who they are. */
      readonly administrators: number | undefined;
      /** The filter, as the value of a form field. */
      readonly selection: string;
      /** Whether more may match. */
      readonly isCut: boolean;
      /** Whether they are all who are online. */
      readonly isEveryone: boolean;
    }
  | { readonly kind: "everyone"; readonly administrators: number | undefined };

export interface Confirmation {
  readonly frame: PageContext;
  readonly appId: string;
  readonly url: string;
  readonly forceUrl: string;
  readonly target: Target;
  /** Number of users; of everyone and of those who are found: without the administrators who are left out. */
  readonly users: number;
  /** Number of listed logins that end; `undefined` for everyone. */
  readonly logins: number | undefined;
}

/** Renders the question before users are forced offline. The script shows this page as a dialog. */
export function confirmationPage(view: Confirmation): string {
  const { frame, appId, url, forceUrl, target, users } = view;
  const { texts } = frame;
  const title = question(target, users, appId, texts);
  return renderPage(
    <Layout
      frame={frame}
      title={title}
      width="narrow"
      breadcrumb={[{ label: appId }, { label: texts.loginManagement, href: url }]}
    >
      <div class="card">
        <form method="post" action={forceUrl} class="ask" data-confirmation data-stopped={texts.stopped}>
          {/* Enter in a text field activates the first button. Disabled, it keeps Enter from forcing users offline. */}
          <button type="submit" disabled hidden />
          <header>
            <h1 id="question" tabIndex={-1}>
              <bdi>{title}</bdi>
            </h1>
            <Consequence {...view} />
          </header>
          <div class="halves" data-asked>
            <div class="stack">
              <Whom target={target} users={users} title={title} texts={texts} />
            </div>
            <div class="stack">
              <ReasonField texts={texts} />
            </div>
          </div>
          <div class="run" data-progress hidden>
            <p>
              <strong data-done />
              <strong data-percent />
            </p>
            <progress aria-label={title} />
            <p class="hidden" role="status" data-said />
          </div>
          <Stats texts={texts} />
          <div class="result" role="alert" data-result tabIndex={-1} />
          <footer>
            {target.kind === "everyone" || (target.kind === "found" && target.isEveryone) ? (
              <label class="typed field" data-asked>
                {texts.typeApplicationId(appId)}
                <input name="everyone" required pattern={escapePattern(appId)} autocomplete="off" />
              </label>
            ) : null}
            <p class="buttons">
              <a class="button" href={url} data-cancel data-stop={texts.stop} data-close={texts.close}>
                {texts.cancel}
              </a>
              <button type="submit" class="danger solid" data-again={texts.tryAgain}>
                {action(target, users, texts)}
              </button>
            </p>
          </footer>
        </form>
      </div>
    </Layout>,
  );
}

/** Says how many logins end, and who has to log in again. A line each: sentences in Chinese have no space between them. */
function Consequence({ frame: { texts }, target, users, logins }: Confirmation) {
  const ends = logins === undefined || logins === 0 ? null : <Line>{texts.endsLogins(logins)}</Line>;
  if (target.kind === "everyone") return <p>{texts.everyoneElseMustLogInAgain}</p>;
  if (target.kind === "found") {
    return (
      <p>
        {ends}
        <Line>{texts.onlyMatchingLogins}</Line>
        {target.isCut ? <Line>{texts.moreMayMatch}</Line> : null}
      </p>
    );
  }
  const { offline, isYou } = target;
  return (
    <p>
      {ends}
      {offline > 0 && users > 1 ? <Line>{texts.usersOffline(offline)}</Line> : null}
      <Line>{users === 1 ? texts.userMustLogInAgain : texts.usersMustLogInAgain}</Line>
      {isYou ? <strong class="line warn">{texts.includesYou}</strong> : null}
    </p>
  );
}

function Line({ children }: { children: ComponentChildren }) {
  return <span class="line">{children}</span>;
}

interface WhomProps {
  readonly target: Target;
  readonly users: number;
  readonly title: string;
  readonly texts: Texts;
}

/** Renders whom the form names, as fields and as people with the details by which namesakes differ. */
function Whom({ target, users, title, texts }: WhomProps) {
  if (target.kind === "users") {
    return (
      <>
        <input type="hidden" name="selection" value={target.selection} />
        <People people={target.people} total={users} title={title} texts={texts} />
        {target.login === undefined ? null : <OneLogin login={target.login} texts={texts} />}
      </>
    );
  }
  return (
    <>
      {target.kind === "found" ? (
        <>
          <input type="hidden" name="selection" value={target.selection} />
          <People people={target.people} total={users} title={title} texts={texts} />
        </>
      ) : null}
      <div class="choices">
        {target.administrators === undefined || target.administrators === 0 ? null : (
          <Choice name="administrators" label={texts.includeAdministrators(target.administrators)} />
        )}
        <Choice name="me" label={texts.logMeOutToo} />
      </div>
    </>
  );
}

function Choice({ name, label }: { name: string; label: string }) {
  return (
    <label class="choice warning">
      <input type="checkbox" name={name} value="1" autocomplete="off" />
      <strong>{label}</strong>
    </label>
  );
}

interface PeopleProps {
  readonly people: readonly UserView[];
  readonly total: number;
  readonly title: string;
  readonly texts: Texts;
}

/** Lists the first 20 users. */
function People({ people, total, title, texts }: PeopleProps) {
  const shown = people.slice(0, PEOPLE_SHOWN);
  const rest = total - shown.length;
  return (
    // The list scrolls: readers without a pointer reach it by its focus.
    <ul class="listed people" tabIndex={0} aria-label={title}>
      {shown.map((person) => (
        <li key={person.id}>
          <Person person={person} />
        </li>
      ))}
      {rest > 0 ? <li class="rest quiet">{texts.andMore(rest)}</li> : null}
    </ul>
  );
}

function OneLogin({ login, texts }: { login: LoginView; texts: Texts }) {
  return (
    <dl class="facts">
      <dt>{texts.device}</dt>
      <dd>
        <bdi>{deviceName(login, texts)}</bdi>
      </dd>
      <dt>{texts.address}</dt>
      <dd>
        <Whence login={login} texts={texts} />
      </dd>
      <dt>{texts.lastLogin}</dt>
      <dd>
        <AroundSlot text={texts.since}>
          <ShortTime at={login.began} texts={texts} />
        </AroundSlot>
      </dd>
      <dt>{texts.lastActive}</dt>
      <dd>
        <RelativeTime at={login.lastActive} texts={texts} />
      </dd>
    </dl>
  );
}

function question(target: Target, users: number, appId: string, texts: Texts): string {
  if (target.kind === "everyone") return texts.forceEveryoneQuestion(users, appId);
  if (target.kind === "found") return texts.forceFoundQuestion(users);
  const [first] = target.people;
  if (target.people.length !== 1 || first === undefined) return texts.forceUsersQuestion(users);
  return target.login === undefined ? texts.forceUserQuestion(first.name) : texts.forceLoginQuestion(first.name);
}

/** The button carries the number: who has read nothing else has read that. */
function action(target: Target, users: number, texts: Texts): string {
  return target.kind === "users" && users === 1 ? texts.forceOffline : texts.forceUsers(users);
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
