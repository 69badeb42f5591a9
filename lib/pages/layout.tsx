import type { ComponentChildren } from "preact";
import { renderToString } from "preact-render-to-string";
import { Avatar, type UserView } from "./user-view.js";
import type { Texts } from "./texts/index.js";

/** What every page shows around its content. */
export interface PageContext {
  readonly texts: Texts;
  readonly brandName: string;
  /** Absent if the app has no route for them: the page then has the browser's own look. */
  readonly assets?: { readonly style: string; readonly script: string } | undefined;
  /** The user who is logged in, for the account menu. */
  readonly user?: { readonly person: UserView; readonly logoutUrl: string } | undefined;
}

interface LayoutProps {
  readonly frame: PageContext;
  readonly title: string;
  /** `"wide"` for tables, `"narrow"` for text. */
  readonly width: "narrow" | "wide";
  readonly breadcrumb?: readonly string[] | undefined;
  readonly children: ComponentChildren;
}

/** Returns a complete HTML document. The renderer escapes every value in it. */
export function renderPage(page: Parameters<typeof renderToString>[0]): string {
  return `<!doctype html>${renderToString(page)}`;
}

export function Layout({ frame, title, width, breadcrumb = [], children }: LayoutProps) {
  const { texts, brandName, assets, user } = frame;
  return (
    <html lang={texts.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · ${brandName}`}</title>
        {assets === undefined ? null : <link rel="stylesheet" href={assets.style} />}
        {assets === undefined ? null : <script src={assets.script} defer />}
      </head>
      <body class={width} data-dates={texts.dates}>
        <header>
          <nav>
            <bdi class="brand">{brandName}</bdi>
            {breadcrumb.length === 0 ? null : <bdi class="breadcrumb">{breadcrumb.join(" › ")}</bdi>}
          </nav>
          {user === undefined ? null : <UserMenu texts={texts} {...user} />}
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}

function UserMenu({ texts, person, logoutUrl }: { texts: Texts; person: UserView; logoutUrl: string }) {
  return (
    <details class="menu" data-menu>
      <summary>
        <span class="hidden">{texts.accountMenu}</span>
        <Avatar person={person} />
        <span aria-hidden="true">▾</span>
      </summary>
      <div class="popup">
        <p>
          <bdi class="name">{person.name}</bdi>
          {person.details.map((detail) => (
            <bdi class="quiet" key={detail}>
              {detail}
            </bdi>
          ))}
        </p>
        <form method="post" action={logoutUrl}>
          <button type="submit" class="plain">
            {texts.logOut}
          </button>
        </form>
      </div>
    </details>
  );
}
