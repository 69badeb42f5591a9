import { AroundSlot, ShortTime, wholeText } from "./format.js";
import { Icon, type IconName } from "./icon.js";
import { Layout, renderPage, type PageContext } from "./layout.js";
import type { UserView } from "./user-view.js";

/** A page with a message. */
export interface Notice {
  readonly title: string;
  readonly text?: string | undefined;
  readonly at?: Date | undefined;
  /** The reader, where it matters as whom they are logged in. */
  readonly reader?: UserView | undefined;
  /** The way on. */
  readonly link?: NoticeLink | undefined;
  /** Another way on. */
  readonly otherLink?: NoticeLink | undefined;
}

interface NoticeLink {
  readonly href: string;
  readonly label: string;
}

/** @param icon - what kind of message it is, at a glance */
export function noticePage(
  frame: PageContext,
  { title, text, at, reader, link, otherLink }: Notice,
  icon: IconName,
): string {
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
        {reader === undefined ? null : (
          <p class="quiet">
            <AroundSlot text={frame.texts.loggedInAs}>
              <bdi>{nameOf(reader)}</bdi>
            </AroundSlot>
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
            {otherLink === undefined ? null : (
              <a class="button" href={otherLink.href} target="_top">
                {otherLink.label}
              </a>
            )}
          </p>
        )}
      </section>
    </Layout>,
  );
}

function nameOf({ name, details }: UserView): string {
  return details.length === 0 ? name : `${name} (${details.join(" · ")})`;
}
