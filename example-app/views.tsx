import type { ComponentChildren } from "preact";
import { renderToString } from "preact-render-to-string";
import { APP_ID } from "./config.js";
import { DEMO_PASSWORDS, type User } from "./users.js";

/** Where the logout leads back to. */
const WAY_BACK = "/bye";

interface PageProps {
  readonly title: string;
  readonly children: ComponentChildren;
}

function page({ title, children }: PageProps): string {
  return `<!doctype html>${renderToString(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
      </head>
      <body>
        <h1>{title}</h1>
        {children}
      </body>
    </html>,
  )}`;
}

export function homePage(user: User | undefined, origin: string): string {
  return page({
    title: "The shop",
    children: user === undefined ? <LoginLink /> : <UserMenu user={user} origin={origin} />,
  });
}

function LoginLink() {
  return (
    <p>
      You are not logged in. <a href="/login">Log in</a>
    </p>
  );
}

function UserMenu({ user, origin }: { user: User; origin: string }) {
  const logoutUrl = `/login/profile/logout?redirect_uri=${encodeURIComponent(origin + WAY_BACK)}`;
  return (
    <>
      <p>You are {user.profile.name}.</p>
      <ul>
        <li>
          <a href="/u">Your devices</a>: the personal center
        </li>
        {user.isAdmin ? (
          <li>
            <a href={`/console/applications/${APP_ID}/login-management`}>Login management</a>: who is online, and Force
            offline
          </li>
        ) : null}
        <li>
          <a href="/slow">The slow page</a>, which waits ten seconds and then writes to the session: load it, kick the
          user meanwhile, and see that they stay logged out
        </li>
        <li>
          <a href={logoutUrl}>Log out</a>, and come back to {WAY_BACK}
        </li>
      </ul>
    </>
  );
}

export function loginPage({ failed, returnTo }: { failed: boolean; returnTo: string }): string {
  return page({
    title: "Log in",
    children: (
      <>
        {failed ? <p role="alert">That name and that password do not belong together.</p> : null}
        <PasswordForm action="/login" returnTo={returnTo} button="Log in">
          <p>
            <label>
              Name <input name="username" autocomplete="username" required />
            </label>
          </p>
        </PasswordForm>
        <p>The accounts of this demo:</p>
        <ul>
          {Object.entries(DEMO_PASSWORDS).map(([name, password]) => (
            <li key={name}>
              <code>{name}</code>, password <code>{password}</code>
            </li>
          ))}
        </ul>
      </>
    ),
  });
}

export function confirmPage({ failed, returnTo }: { failed: boolean; returnTo: string }): string {
  return page({
    title: "Confirm your password",
    children: (
      <>
        {failed ? <p role="alert">That is not your password.</p> : null}
        <PasswordForm action="/confirm" returnTo={returnTo} button="Confirm" />
      </>
    ),
  });
}

export function byePage(): string {
  return page({ title: "Good bye", children: <LoginLink /> });
}

interface PasswordFormProps {
  readonly action: string;
  readonly returnTo: string;
  readonly button: string;
  /** What comes before the password. */
  readonly children?: ComponentChildren;
}

function PasswordForm({ action, returnTo, button, children }: PasswordFormProps) {
  return (
    <form method="post" action={action}>
      <input type="hidden" name="returnTo" value={returnTo} />
      {children}
      <p>
        <label>
          Password <input name="password" type="password" autocomplete="current-password" required />
        </label>
      </p>
      <p>
        <button type="submit">{button}</button>
      </p>
    </form>
  );
}
