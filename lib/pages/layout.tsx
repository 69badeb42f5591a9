import type { ComponentChildren } from "preact";
import { renderToString } from "preact-render-to-string";
import { Icon } from "./icon.js";
import { Avatar, type UserView } from "./user-view.js";
import type { Texts } from "./texts/index.js";

/** What every page shows around its content. */
export interface PageContext {
  readonly texts: Texts;
  readonly brandName: string;
  /** The page that the brand leads to. */
  readonly homeUrl: string;
  /** The picture before the product name. */
  readonly logo: string | undefined;
  /** The style sheet of the app, which comes after that of the pages. */
  readonly stylesheet: string | undefined;
  /** Absent if the app has no route for them: the page then has the browser's own look. */
  readonly assets?: { readonly style: string; readonly script: string } | undefined;
  /** The user who is logged in, for the account menu. */
  readonly user?: PageUser | undefined;
}

export interface PageUser {
  readonly person: UserView;
  readonly logoutUrl: string;
  /** The page of the user's devices; `undefined` if there is none. */
  readonly devicesUrl: string | undefined;
}

/** A step of the way to a page. */
export interface Crumb {
  readonly label: string;
  readonly href?: string | undefined;
}

interface LayoutProps {
  readonly frame: PageContext;
  readonly title: string;
  /** `"wide"` for tables, `"narrow"` for text. */
  readonly width: "narrow" | "wide";
  readonly breadcrumb?: readonly Crumb[] | undefined;
  readonly children: ComponentChildren;
}

/** Returns a complete HTML document. The renderer escapes every value in it. */
export function renderPage(page: Parameters<typeof renderToString>[0]): string {
  return `<!doctype html>${renderToString(page)}`;
}

export function Layout({ frame, title, width, breadcrumb = [], children }: LayoutProps) {
  const { texts, brandName, homeUrl, logo, stylesheet, assets, user } = frame;
  return (
    <html lang={texts.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · ${brandName}`}</title>
        {/* Without a logo, browsers show the favicon.ico of the site, as on the app's own pages. */}
        {logo === undefined ? null : <link rel="icon" href={logo} />}
        {assets === undefined ? null : <link rel="stylesheet" href={assets.style} />}
        {stylesheet === undefined ? null : <link rel="stylesheet" href={stylesheet} />}
        {assets === undefined ? null : <script src={assets.script} defer />}
      </head>
      <body class={width} data-dates={texts.dates}>
        <header class="top">
          <nav aria-label={texts.whereYouAre}>
            {/* In a frame, the home page replaces the whole one. */}
            <a class="brand" href={homeUrl} target="_top">
              {logo === undefined ? null : <img src={logo} alt="" width={24} height={24} />}
              <bdi>{brandName}</bdi>
            </a>
            {breadcrumb.length === 0 ? null : <Breadcrumb steps={breadcrumb} />}
          </nav>
          {user === undefined ? null : <UserMenu texts={texts} {...user} />}
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}

function Breadcrumb({ steps }: { steps: readonly Crumb[] }) {
  return (
    <ol class="crumbs">
      {steps.map(({ label, href }, index) => (
        <li key={label}>
          {href === undefined ? (
            <bdi aria-current={index === steps.length - 1 ? "page" : undefined}>{label}</bdi>
          ) : (
            <a href={href}>
              <bdi>{label}</bdi>
            </a>
          )}
        </li>
      ))}
    </ol>
  );
}

function UserMenu({ texts, person, logoutUrl, devicesUrl }: PageUser & { texts: Texts }) {
  return (
    <details class="menu" data-menu>
      <summary>
        <span class="hidden">{texts.accountMenu}</span>
        <Avatar person={person} />
        <Icon name="down" />
      </summary>
      <div class="popup">
        <p class="who">
          <bdi>
            <strong class="name">{person.name}</strong>
          </bdi>
          {person.details.map((detail) => (
            <bdi class="quiet" key={detail}>
              {detail}
            </bdi>
          ))}
        </p>
        {devicesUrl === undefined ? null : (
          <a href={devicesUrl}>
            <Icon name="desktop" />
            {texts.whereLoggedIn}
          </a>
        )}
        <form method="post" action={logoutUrl}>
          <button type="submit">
            <Icon name="out" />
            {texts.logOut}
          </button>
        </form>
      </div>
    </details>
  );
}
