import type { Login } from "express-logout";
import type { ComponentChildren } from "preact";
import { renderToString } from "preact-render-to-string";
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
      Nobody is logged in here. <a href="/login">Log in</a>
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
          <a href="/account">Your account</a>, a page that needs a login
        </li>
        <li>
          <a href="/slow">The slow page</a>, which waits ten seconds and then writes to the session: load it, kick the
          user meanwhile, and see that he does not come back
        </li>
        <li>
          <a href={logoutUrl}>Log out</a>, and come back to {WAY_BACK}
        </li>
      </ul>
    </>
  );
}

export function loginPage(failed: boolean): string {
  return page({
    title: "Log in",
    children: (
      <>
        {failed ? <p role="alert">That name and that password do not belong together.</p> : null}
        <form method="post" action="/login">
          <p>
            <label>
              Name <input name="username" autocomplete="username" required />
            </label>
          </p>
          <p>
            <label>
              Password <input name="password" type="password" autocomplete="current-password" required />
            </label>
          </p>
          <p>
            <button type="submit">Log in</button>
          </p>
        </form>
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

export function accountPage(user: User, logins: readonly Login[]): string {
  return page({
    title: "Your account",
    children: (
      <>
        <p>
          {user.profile.name} {user.profile.email === undefined ? "" : `(${user.profile.email})`} is logged in on:
        </p>
        <ul>
          {logins.map((login) => (
            <li key={login.id}>
              {login.userAgent ?? "an unknown device"} at {login.ip ?? "an unknown address"}, since{" "}
              <time dateTime={login.began.toISOString()}>{login.began.toUTCString()}</time>
            </li>
          ))}
        </ul>
        <p>
          <a href="/">Home</a>
        </p>
      </>
    ),
  });
}

export function byePage(): string {
  return page({ title: "Good bye", children: <LoginLink /> });
}
