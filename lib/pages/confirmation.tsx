import { Layout, renderPage, type PageContext } from "./layout.js";
import { Avatar, type UserView } from "./user-view.js";
import type { Texts } from "./texts/index.js";

/** The users or the login that the form forces offline. */
export type Target =
  | {
      readonly kind: "users";
      readonly people: readonly UserView[];
      readonly isOneLogin: boolean;
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
        {target.kind === "users" ? <People people={target.people} /> : null}
        <Consequence users={users} logins={logins} texts={texts} />
        {target.kind === "everyone" ? (
          <label>
            {texts.typeApplicationId(appId)}
            <input name="everyone" required pattern={escapePattern(appId)} autocomplete="off" />
          </label>
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
        <p class="buttons">
          <a class="button" href={url} data-cancel>
            {texts.cancel}
          </a>
          <button type="submit" class="danger solid">
            {texts.forceOffline}
          </button>
        </p>
      </form>
    </Layout>,
  );
}

/** Says how many logins end and who has to log in again. `logins` is `undefined` for everyone. */
function Consequence({ users, logins, texts }: { users: number; logins: number | undefined; texts: Texts }) {
  if (logins === undefined) return <p>{texts.everyoneMustLogInAgain}</p>;
  const mustLogInAgain = users === 1 ? texts.userMustLogInAgain : texts.usersMustLogInAgain;
  if (logins === 0) return <p>{mustLogInAgain}</p>;
  // A line each: sentences in Chinese have no space between them, sentences in English have one.
  return (
    <p>
      {texts.endsLogins(logins)}
      <br />
      {mustLogInAgain}
    </p>
  );
}

/** Lists the users, or the first 20 of them. */
function People({ people }: { people: readonly UserView[] }) {
  return (
    <ul class="people">
      {people.slice(0, 20).map((person) => (
        <li key={person.id} class="person">
          <Avatar person={person} />
          <span>{person.name}</span>
        </li>
      ))}
      {people.length > 20 ? <li>…</li> : null}
    </ul>
  );
}

function question(target: Target, users: number, appId: string, texts: Texts): string {
  if (target.kind === "everyone") return texts.forceEveryoneQuestion(users, appId);
  const [first] = target.people;
  if (target.people.length !== 1 || first === undefined) return texts.forceUsersQuestion(users);
  return target.isOneLogin ? texts.forceLoginQuestion(first.name) : texts.forceUserQuestion(first.name);
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
