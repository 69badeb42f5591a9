import { ShortTime, wholeText } from "./format.js";
import { Icon, type IconName } from "./icon.js";
import { Layout, renderPage, type PageContext } from "./layout.js";

/** A page with a message and at most one link. */
export interface Notice {
  readonly title: string;
  readonly text?: string | undefined;
  readonly at?: Date | undefined;
  readonly link?: { readonly href: string; readonly label: string } | undefined;
}

/** @param icon - what kind of message it is, at a glance */
export function noticePage(frame: PageContext, { title, text, at, link }: Notice, icon: IconName): string {
  return renderPage(
    <Layout frame={frame} title={title} width="narrow">
      <section class="notice">
        <Icon name={icon} size="huge" />
        <h1 tabIndex={-1}>{title}</h1>
        {text === undefined ? null : (
          // A reason has the lines in which it was written.
          <p class={text.length > 120 || text.includes("\n") ? "reason" : "quiet"}>
            <bdi>{wholeText(text)}</bdi>
          </p>
        )}
        {at === undefined ? null : (
          <p class="quiet small">
            <ShortTime at={at} texts={frame.texts} />
          </p>
        )}
        {link === undefined ? null : (
          <p class="buttons">
            {/* In a frame, the next page replaces the whole one. */}
            <a class="button primary" href={link.href} target="_top">
              {link.label}
            </a>
          </p>
        )}
      </section>
    </Layout>,
  );
}
