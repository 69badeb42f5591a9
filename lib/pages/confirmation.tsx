import { Layout, renderPage, type PageContext } from "./layout.js";
import { Avatar, type UserView } from "./user-view.js";
import type { Texts } from "./texts.js";

/** Whom a confirmed form forces offline. */
export type Target =
  | {
      readonly kind: "users";
      readonly people: readonly UserView[];
      readonly isOneLogin: boolean;
      /** Those users, or that login, as the form sends them. */
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
  /** How many logins end, as far as they are shown; not counted for everyone. */
  readonly logins: number | undefined;
}

/** Asks before anybody is forced offline: a page, which the script shows as a dialog. */
export function confirmationPage({ frame, appId, url, forceUrl, target, users, logins }: Confirmation): string {
  const { texts } = frame;
  const title = question(target, users, appId, texts);
  return renderPage(
    <Layout frame={frame} title={title} width="narrow" breadcrumb={[texts.applications, appId, texts.loginManagement]}>
      <form method="post" action={forceUrl} class="confirmation" data-confirmation data-broke-off={texts.brokeOff}>
        {/* A disabled first button keeps Enter in a text field from forcing anybody offline. */}
        <button type="submit" disabled hidden />
        <h1 id="question">
          <bdi>{title}</bdi>
        </h1>
        {target.kind === "users" ? <People people={target.people} /> : null}
        <p>
          {logins === undefined
            ? texts.everyoneMustLogInAgain
            : `${logins === 0 ? "" : texts.holdLogins(logins)} ${texts.mustLogInAgain}`.trim()}
        </p>
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

/** Who it concerns; of very many, the first. */
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
