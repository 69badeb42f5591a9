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

export function page({ title, children }: PageProps): string {
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

/** @param companyLogoutUrl - Where a user who came from the company logs out there. */
export function homePage(user: User | undefined, origin: string, companyLogoutUrl?: string): string {
  return page({
    title: "The shop",
    children:
      user === undefined ? <LoginLink /> : <UserMenu user={user} origin={origin} companyLogoutUrl={companyLogoutUrl} />,
  });
}

function LoginLink() {
  return (
    <p>
      You are not logged in. <a href="/login">Log in</a>
    </p>
  );
}

interface UserMenuProps {
  readonly user: User;
  readonly origin: string;
  readonly companyLogoutUrl: string | undefined;
}

function UserMenu({ user, origin, companyLogoutUrl }: UserMenuProps) {
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
        {companyLogoutUrl === undefined ? null : (
          <li>
            <a href={companyLogoutUrl}>Log out at the company</a>, and see that you are logged out here
          </li>
        )}
      </ul>
    </>
  );
}

interface LoginPageProps {
  readonly failed: boolean;
  readonly returnTo: string;
  readonly companyUrl: string | undefined;
}

export function loginPage({ failed, returnTo, companyUrl }: LoginPageProps): string {
  return page({
    title: "Log in",
    children: (
      <>
        <LoginForm action="/login" returnTo={returnTo} failed={failed} />
        {companyUrl === undefined ? null : (
          <p>
            <a href={`${companyUrl}?returnTo=${encodeURIComponent(returnTo)}`}>Log in with the company account</a>
          </p>
        )}
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

interface LoginFormProps {
  readonly action: string;
  readonly returnTo?: string;
  readonly failed: boolean;
}

export function LoginForm({ failed, ...form }: LoginFormProps) {
  return (
    <>
      {failed ? <p role="alert">That name and that password do not belong together.</p> : null}
      <PasswordForm {...form} button="Log in">
        <p>
          <label>
            Name <input name="username" autocomplete="username" required />
          </label>
        </p>
      </PasswordForm>
    </>
  );
}

interface PasswordFormProps {
  readonly action: string;
  readonly returnTo?: string;
  readonly button: string;
  /** What comes before the password. */
  readonly children?: ComponentChildren;
}

function PasswordForm({ action, returnTo, button, children }: PasswordFormProps) {
  return (
    <form method="post" action={action}>
      {returnTo === undefined ? null : <input type="hidden" name="returnTo" value={returnTo} />}
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
