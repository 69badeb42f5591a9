// Turns TSDoc into Markdown: links, tags, paragraphs of a fixed width.

const WIDTH = 120;

export const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

/** Wraps a paragraph. Code and links stay in one piece. */
function wrap(paragraph) {
  const indent = /^( *- )/.exec(paragraph)?.[1].length ?? 0;
  const words = paragraph.replace(/\s+/g, " ").match(/(?:`[^`]*`|\[[^\]]*\]\([^)]*\)|[^ ])+/g) ?? [];
  const lines = [];
  let line = "";
  for (const word of words) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = " ".repeat(indent) + word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}

/** Wraps a text of paragraphs, lists, tables and code. */
export function wrapped(text) {
  const blocks = text.split(/(^```[\s\S]*?^```$)/m);
  const paragraphs = (block) =>
    block
      .split(/\n\s*\n|\n(?=- )/)
      .filter((paragraph) => paragraph.trim() !== "")
      .map((paragraph) => (paragraph.trim().startsWith("|") ? paragraph : wrap(paragraph.trim())));
  const joined = (lines) =>
    lines.reduce(
      (all, line) =>
        `${all}${all === "" ? "" : /(^|\n)- [^\n]*(\n {2}[^\n]*)*$/.test(all) && line.startsWith("- ") ? "\n" : "\n\n"}${line}`,
      "",
    );
  return blocks
    .map((block) => (block.startsWith("```") ? block : joined(paragraphs(block))))
    .filter(Boolean)
    .join("\n\n");
}

/**
 * Returns the functions that write texts of one page.
 *
 * @param homes - `page#anchor` of each name that has a home in the reference
 */
export function createWriter(page, homes) {
  const linkTo = (name, text = `\`${name}\``) => {
    const home = homes.get(name);
    if (home === undefined) return text;
    return `[${text}](${home.startsWith(`${page}#`) ? home.slice(page.length) : home})`;
  };
  /** Replaces `{@link Name}` by a link, and paths of the repository by links that work from the reference. */
  const prose = (text) =>
    text
      .replace(/\{@link ([\w.]+)(?: ?\| ?([^}]+))?\}/g, (_all, name, label) =>
        linkTo(name, label ?? `\`${name.replace(/^LogoutControls\./, "auth.")}\``),
      )
      .replace(/\]\(docs\//g, "](../");
  const codes = (text) =>
    prose(text.replace(/^LogoutError /, "")).replace(/(?<!\[)`(ERR_\w+)`/g, (_all, code) => linkTo(code));
  const example = (text) => (text.includes("```") ? text : `Example: ${text}`);

  return {
    linkTo,
    /** Writes the text and the tags of a declaration or a member. */
    doc({ text, tags }) {
      return [
        prose(text),
        ...(tags.param ?? []).map((each) => `- ${prose(each)}`),
        ...(tags.returns ?? []).map((each) => `Returns: ${prose(each)}`),
        ...(tags.throws ?? []).map((each) => `Rejects or throws: ${codes(each)}`),
        ...(tags.example ?? []).map(example),
      ]
        .filter((part) => part !== "")
        .join("\n\n");
    },
  };
}
