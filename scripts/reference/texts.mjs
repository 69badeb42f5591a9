// The page of the texts: every name, with the English text as it is made from example values.
import { Buffer } from "node:buffer";
import { buildSync } from "esbuild";

/** Example values of functions, by the names of their parameters. */
const EXAMPLES = {
  administrators: 3,
  age: "3 hours ago",
  application: "shop",
  browser: "Firefox 140",
  count: 3,
  device: "Firefox 140 on Windows",
  done: 3,
  heading: "Last active",
  logins: 3,
  name: "Alice",
  names: "Alice, Bob",
  others: 3,
  place: "Acme",
  search: "alice",
  seconds: 2.5,
  shown: "1–10",
  system: "Windows",
  text: "alice@acme.example",
  time: "22 Nov, 18:50",
  total: 20,
  users: 3,
  zone: "+02:00",
};

/** Reads the table of English texts, from the sources: what is built may be older. */
export async function readEnglish() {
  const { outputFiles } = buildSync({
    entryPoints: ["lib/pages/texts/en.ts"],
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "silent",
  });
  const code = Buffer.from(outputFiles[0].contents).toString("base64");
  return (await import(`data:text/javascript;base64,${code}`)).en;
}

/** Returns the parameters in a type such as `(count: number, name: string) => string`. */
function parametersOf(type) {
  const list = /^\(([^)]*)\) => string$/.exec(type)?.[1];
  return list?.split(", ").map((each) => each.split(": "));
}

function exampleOf([parameter, type], name) {
  const value = EXAMPLES[parameter];
  if (value === undefined) throw new Error(`scripts/reference/texts.mjs has no example of ${parameter}, for ${name}.`);
  return type === "string" ? String(value) : value;
}

const cell = (text) => text.replaceAll("|", "\\|");

/** Returns a row for each text: its name, the values that it gets, the English text. */
export function rowsOfTexts({ declarations, english }) {
  const row = (name, text, parameters = []) => {
    const values = parameters.map(([parameter, type]) => `\`${parameter}: ${type}\``).join(", ");
    const shown = parameters.length === 0 ? text : text(...parameters.map((each) => exampleOf(each, name)));
    return `| \`${name}\` | ${values} | ${cell(shown)} |`;
  };
  return declarations
    .get("Texts")
    .members.filter(({ name }) => name !== "language")
    .flatMap(({ name, type }) =>
      typeof english[name] === "object"
        ? Object.entries(english[name]).map(([member, text]) => row(`${name}.${member}`, text))
        : [row(name, english[name], parametersOf(type))],
    );
}
