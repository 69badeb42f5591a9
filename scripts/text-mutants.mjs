// Mutants of Lua and SQL, in files of their own and in template literals, which are text to Stryker.
import ts from "typescript";

/** What is written instead of what. A number becomes the next one: that is also another key, and another argument. */
const SWAPS = [
  ["<=", /<=/g, "<"],
  ["<", /(?<!<)<(?![=>])/g, "<="],
  [">=", />=/g, ">"],
  [">", /(?<!<)>(?!=)/g, ">="],
  ["==", /==/g, "~="],
  ["~=", /~=/g, "=="],
  ["<>", /<>/g, "="],
  ["AND", /\bAND\b/g, "OR"],
  ["OR", /\bOR\b(?! REPLACE)/g, "AND"],
  ["and", /\band\b/g, "or"],
  ["or", /\bor\b/g, "and"],
  ["NOT", /\bNOT (?!NULL|EXISTS)/g, ""],
  ["not", /\bnot /g, ""],
  ["IS NULL", /\bIS NULL\b/g, "IS NOT NULL"],
  ["IS NOT NULL", /\bIS NOT NULL\b/g, "IS NULL"],
  ["greatest", /\bgreatest\b/g, "least"],
  ["max", /\bmax\b/g, "min"],
  ["min", /\bmin\b/g, "max"],
  ["true", /\btrue\b/g, "false"],
  ["false", /\bfalse\b/g, "true"],
  ["DESC", /\bDESC\b/g, "ASC"],
  ["+", / \+ /g, " - "],
  ["-", / - /g, " + "],
  ["number", /(?<![\w.$])\d+\b/g, (digits) => String(Number(digits) + 1)],
  ["statement", /(?<=^ *)(?:PERFORM|DELETE|UPDATE|INSERT|CONTINUE)\b[^;]*;/gm, ""],
  [
    "statement",
    /(?<=^ *|then )(?:redis\.p?call|keep|write|list|drop\w*|remove|publish|putInOrder)\(.*\)(?=$| end)/gm,
    "",
  ],
];
const COMMENT = /--.*$/gm;

/** @returns the mutants of a file, each with the `source` that it makes of it */
export function textMutants(fileName, source) {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true);
  const found = [];
  const visit = (node) => {
    const isTemplate = ts.isTemplateExpression(node) || ts.isNoSubstitutionTemplateLiteral(node);
    if (isTemplate) found.push(...mutantsWithin(node.getStart(), node.end));
    else ts.forEachChild(node, visit);
  };
  const mutantsWithin = (start, end) => {
    // As long as it was, so that places stay what they are.
    const text = source.slice(start, end).replace(COMMENT, (comment) => " ".repeat(comment.length));
    return SWAPS.flatMap(([name, pattern, replacement]) =>
      [...text.matchAll(pattern)].map((match) => {
        const [first, last] = [start + match.index, start + match.index + match[0].length];
        const replaced = match[0].replace(pattern, replacement);
        return {
          fileName,
          mutatorName: name,
          replacement: replaced,
          location: { start: placeOf(first), end: placeOf(last) },
          source: source.slice(0, first) + replaced + source.slice(last),
        };
      }),
    );
  };
  const placeOf = (position) => {
    const { line, character } = file.getLineAndCharacterOfPosition(position);
    return { line, column: character };
  };
  if (/\.(lua|sql)$/.test(fileName)) found.push(...mutantsWithin(0, source.length));
  else visit(file);
  return found;
}
