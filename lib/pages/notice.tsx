import { renderToString } from "preact-render-to-string";

/** A page that says one thing and offers one way on. */
export interface Notice {
  readonly title: string;
  readonly text?: string | undefined;
  readonly at?: Date | undefined;
  readonly link: { readonly href: string; readonly label: string };
}

/** A whole HTML document. Every value in it is escaped by the renderer. */
export function noticePage(notice: Notice): string {
  return `<!doctype html>${renderToString(<NoticePage {...notice} />)}`;
}

function NoticePage({ title, text, at, link }: Notice) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
      </head>
      <body>
        <main>
          <h1>{title}</h1>
          {text === undefined ? null : <p>{text}</p>}
          {at === undefined ? null : (
            <p>
              <time dateTime={at.toISOString()}>{at.toUTCString()}</time>
            </p>
          )}
          <p>
            <a href={link.href}>{link.label}</a>
          </p>
        </main>
      </body>
    </html>
  );
}
