import { plainText, ShortTime } from "./format.js";
import { Layout, renderPage, type PageContext } from "./layout.js";

/** A page with a message and at most one link. */
export interface Notice {
  readonly title: string;
  readonly text?: string | undefined;
  readonly at?: Date | undefined;
  readonly link?: { readonly href: string; readonly label: string } | undefined;
}

export function noticePage(frame: PageContext, { title, text, at, link }: Notice): string {
  return renderPage(
    <Layout frame={frame} title={title} width="narrow">
      <section class="notice">
        <h1>{title}</h1>
        {text === undefined ? null : (
          <p>
            <bdi>{plainText(text)}</bdi>
          </p>
        )}
        {at === undefined ? null : (
          <p class="quiet">
            <ShortTime at={at} texts={frame.texts} />
          </p>
        )}
        {link === undefined ? null : (
          <p>
            {/* In a frame, the next page replaces the whole one. */}
            <a class="button" href={link.href} target="_top">
              {link.label}
            </a>
          </p>
        )}
      </section>
    </Layout>,
  );
}
