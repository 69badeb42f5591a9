import type { ComponentChildren } from "preact";
import { renderToString } from "preact-render-to-string";
import { APP_ID } from "./config.js";
import { STYLE } from "./style.js";
import { DEMO_PASSWORDS, type User } from "./users.js";

/** Where the logout leads back to. */
const WAY_BACK = "/bye";

interface PageProps {
  readonly title: string;
  /** Whose page it is. Default: the shop's. */
  readonly brand?: string;
  readonly children: ComponentChildren;
}

export function page({ title, brand, children }: PageProps): string {
  return `<!doctype html>${renderToString(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <header>
          {brand === undefined ? (
            <a class="brand" href="/">
              The shop
            </a>
          ) : (
            <span class="brand">{brand}</span>
          )}
        </header>
        <main>
          <h1>{title}</h1>
          {children}
        </main>
      </body>
    </html>,
  )}`;
}

/** @param companyLogoutUrl - Where a user who came from the company logs out there. */
export function homePage(user: User | undefined, origin: string, companyLogoutUrl?: string): string {
  return page({
    title: user === undefined ? "Welcome" : `Welcome back, ${user.profile.name ?? user.id}`,
    children:
      user === undefined ? (
        <LoginLink />
      ) : (
        <WhatToTry user={user} origin={origin} companyLogoutUrl={companyLogoutUrl} />
      ),
  });
}

function LoginLink() {
  return (
    <>
      <p class="lead">You are not logged in.</p>
      <nav class="tiles">
        <Tile href="/login" name="Log in" what="With an account of this demo" />
      </nav>
    </>
  );
}

interface WhatToTryProps {
  readonly user: User;
  readonly origin: string;
  readonly companyLogoutUrl: string | undefined;
}

function WhatToTry({ user, origin, companyLogoutUrl }: WhatToTryProps) {
  const logoutUrl = `/login/profile/logout?redirect_uri=${encodeURIComponent(origin + WAY_BACK)}`;
  return (
    <>
      <p class="lead">
        This demo shows express-logout in a small shop. Try it with two browsers: log in as Alice in one, and force her
        offline from the other.
      </p>
      <nav class="tiles" aria-label="What to try">
        <Tile href="/u" name="Your devices" what="The personal center: where you’re logged in" />
        {user.isAdmin ? (
          <Tile
            href={`/console/applications/${APP_ID}/login-management`}
            name="Login management"
            what="Who is online; force users offline"
          />
        ) : null}
        <Tile
          href="/slow"
          name="A slow request"
          what="Takes ten seconds and writes to the session. Force yourself offline meanwhile: the login does not come back"
        />
        <Tile href={logoutUrl} name="Log out" what={`By the logout URL, with a way back to ${WAY_BACK}`} />
        {companyLogoutUrl === undefined ? null : (
          <Tile href={companyLogoutUrl} name="Log out at the company" what="And see that you are logged out here" />
        )}
      </nav>
    </>
  );
}

function Tile({ href, name, what }: { href: string; name: string; what: string }) {
  return (
    <a href={href}>
      <strong>{name}</strong>
      <span class="second">{what}</span>
    </a>
  );
}

/** What the slow request has done. */
export function slowPage(visits: number): string {
  return page({
    title: "Written to your session",
    children: (
      <>
        <p class="lead">Visit {visits} of the slow page.</p>
        <nav class="tiles">
          <Tile href="/" name="Back to the shop" what="And what else to try" />
        </nav>
      </>
    ),
  });
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
        <h2>Accounts of this demo</h2>
        <ul class="accounts">
          {Object.entries(DEMO_PASSWORDS).map(([name, password]) => (
            <li key={name}>
              <code>{name}</code> <code>{password}</code>
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
      <PasswordForm
        action="/confirm"
        returnTo={returnTo}
        button="Confirm"
        problem={failed ? "That is not your password." : undefined}
      />
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
    <PasswordForm {...form} button="Log in" problem={failed ? "The name or the password is wrong." : undefined}>
      <label>
        Name
        <input name="username" autocomplete="username" required {...(failed ? WRONG : {})} />
      </label>
    </PasswordForm>
  );
}

/** Of fields that the alert is about. */
const WRONG = { "aria-invalid": true, "aria-describedby": "why" } as const;

interface PasswordFormProps {
  readonly action: string;
  readonly returnTo?: string;
  readonly button: string;
  readonly problem: string | undefined;
  /** What comes before the password. */
  readonly children?: ComponentChildren;
}

function PasswordForm({ action, returnTo, button, problem, children }: PasswordFormProps) {
  return (
    <form method="post" action={action}>
      {returnTo === undefined ? null : <input type="hidden" name="returnTo" value={returnTo} />}
      {problem === undefined ? null : (
        <p class="alert" role="alert" id="why">
          {problem}
        </p>
      )}
      {children}
      <label>
        Password
        <input
          name="password"
          type="password"
          autocomplete="current-password"
          required
          {...(problem === undefined ? {} : WRONG)}
        />
      </label>
      <button type="submit">{button}</button>
    </form>
  );
}
