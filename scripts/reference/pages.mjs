// The pages of the reference. Each is made from the declarations of lib alone.
import { anchorOf, createWriter, wrapped } from "./markdown.mjs";
import { rowsOfTexts } from "./texts.mjs";

const HEAD = "<!-- Written by `npm run docs:reference` from the TSDoc in lib. Change it there. -->";

/** Types that are not the reference's own, with the page about them. */
const ELSEWHERE = {
  LoginRegistry: "../writing-a-registry.md",
  LogoutError: "errors.md",
  LogoutEvents: "controls.md#events",
  MemoryLoginRegistry: "types.md#memoryloginregistry",
  PostgresLoginRegistry: "postgres.md",
  PostgresPool: "postgres.md#postgrespool",
  RedisClient: "redis.md#redisclient",
  RedisLoginRegistry: "redis.md",
  SqliteDatabase: "sqlite.md#sqlitedatabase",
  SqliteLoginRegistry: "sqlite.md",
};
/** The types whose members are headings of a page. */
const ROOTS = { "options.md": "LogoutOptions", "controls.md": "LogoutControls", "errors.md": "LogoutErrorDetails" };

/** The types that a text of TypeScript names. */
const namesIn = (text) => text.match(/\b[A-Z]\w+\b/g) ?? [];

/** Throws if a member has no TSDoc: the reference would have nothing to say about it. */
function requireDocs(declarations, groups) {
  const roots = [
    ...groups,
    ...["LogoutControls", "LogoutEvents", "LogoutErrorDetails"].map((name) => declarations.get(name)),
  ];
  for (const { name, members } of roots) {
    for (const member of members) if (member.text === "") throw new Error(`${name}.${member.name} has no TSDoc.`);
  }
  for (const { name, text } of declarations.get("LogoutErrorDetails").members) {
    if (!/^Fix: /m.test(text)) throw new Error(`The TSDoc of ${name} has no line that begins with "Fix: ".`);
  }
}

/** Writes the reference. @returns the text of each page, by its name */
export function writePages({ declarations, functions, statuses, exported, english }) {
  const groups = groupsOf(declarations);
  requireDocs(declarations, groups);
  const types = typesOf(declarations, groups, exported);
  const homes = homesOf(declarations, groups, types);
  const context = { declarations, functions, statuses, groups, types, homes, english };
  const pages = {
    "options.md": optionsPage,
    "controls.md": controlsPage,
    "errors.md": errorsPage,
    "redis.md": registryPage("redis.md", "Redis", "RedisLoginRegistry", "express-logout/redis", ["RedisClient"]),
    "postgres.md": registryPage("postgres.md", "PostgreSQL", "PostgresLoginRegistry", "express-logout/postgres", [
      "PostgresPool",
      "PostgresClient",
    ]),
    "sqlite.md": registryPage("sqlite.md", "SQLite", "SqliteLoginRegistry", "express-logout/sqlite", [
      "SqliteDatabase",
      "SqliteStatement",
    ]),
    "opentelemetry.md": openTelemetryPage,
    "oidc.md": oidcPage,
    "authing.md": authingPage,
    "types.md": typesPage,
    "texts.md": textsPage,
  };
  return Object.fromEntries(
    Object.entries(pages).map(([page, write]) => [
      page,
      `${wrapped(write({ ...context, write: createWriter(page, homes) }).join("\n\n"))}\n`,
    ]),
  );
}

/** Returns the interface of options that a type of a member names, if it does. */
const groupIn = (type) => /^(\w+Options|AdminRoutes)(?: \| false)?$/.exec(type)?.[1];

/** Finds the groups of options: the members whose type is an interface of options, with their own groups. */
function groupsOf(declarations) {
  const groups = [];
  const visit = (path, name) => {
    const { members } = declarations.get(name);
    groups.push({ path, name, members: members.filter(({ type }) => groupIn(type) === undefined) });
    for (const member of members) {
      const group = groupIn(member.type);
      if (group !== undefined) visit(`${path}${member.name}.`, group);
    }
  };
  visit("", ROOTS["options.md"]);
  return groups;
}

/** Finds the exported types that options, controls, events and errors name, and those that these name. */
function typesOf(declarations, groups, exported) {
  const elsewhere = [...groups.map(({ name }) => name), ...Object.values(ROOTS), ...Object.keys(ELSEWHERE)];
  const isWanted = (name) => exported.has(name) && declarations.has(name) && !elsewhere.includes(name);
  const found = new Set();
  const collect = (texts) => {
    for (const name of texts.flatMap(namesIn).filter((each) => isWanted(each) && !found.has(each))) {
      const { type = "", bases, members } = declarations.get(name);
      found.add(name);
      collect([type, ...bases, ...members.map((member) => member.type)]);
    }
  };
  const roots = [...groups, declarations.get("LogoutControls"), declarations.get("LogoutErrorDetails")];
  collect(roots.flatMap(({ members }) => members.map(({ type }) => type)));
  return [...found].sort();
}

function homesOf(declarations, groups, types) {
  const homes = new Map(Object.entries(ELSEWHERE));
  const add = (page, name, heading = name) => homes.set(name, `${page}#${anchorOf(heading)}`);
  for (const { path, name, members } of groups) {
    if (path !== "") add("options.md", name, path.slice(0, -1));
    for (const member of members) add("options.md", `LogoutOptions.${path}${member.name}`, path + member.name);
  }
  for (const { name } of declarations.get("LogoutControls").members) add("controls.md", `LogoutControls.${name}`, name);
  for (const { name } of declarations.get("LogoutErrorDetails").members) add("errors.md", name);
  for (const name of types) add("types.md", name);
  for (const [page, name] of Object.entries(ROOTS)) homes.set(name, page);
  return homes;
}

/** Writes a type or a signature as code, with links to the types that it names. */
function linked(write, homes, text) {
  if (homes.has(text)) return write.linkTo(text);
  const links = [...new Set(namesIn(text))].filter((name) => homes.has(name)).map((name) => write.linkTo(name));
  return [code(text), ...(links.length === 0 ? [] : [links.join(", ")])].join(" · ");
}

const code = (text) => `\`${text}\``;

function optionsPage({ declarations, groups, homes, write }) {
  const option = (path) => (member) => [
    `### ${code(path + member.name)}`,
    `${linked(write, homes, member.type)}${member.isOptional ? "" : " · required"}`,
    write.doc(member),
  ];
  const sections = groups.map(({ path, name, members }) => [
    path === "" ? "## The app" : `## ${code(path.slice(0, -1))}`,
    path === "" ? "" : write.doc(declarations.get(name)),
    ...members.flatMap(option(path)),
  ]);
  const top = declarations.get("LogoutOptions");
  const contents = top.members.map(({ name, type }) =>
    write.linkTo(groupIn(type) ?? `LogoutOptions.${name}`, code(name)),
  );
  return ["# Options", HEAD, write.doc(top), contents.join(" · "), ...sections.flat()];
}

/** Writes members under the headings that comments in the sources give them. */
function underHeadings(members, writeMember) {
  return members.flatMap((member, index) => {
    const isNew = member.heading !== undefined && member.heading !== members[index - 1]?.heading;
    return [...(isNew ? [`## ${member.heading}`] : []), ...writeMember(member)];
  });
}

function controlsPage({ declarations, homes, write }) {
  const { members, ...controls } = declarations.get("LogoutControls");
  const control = (member) => [
    `### ${code(member.name)}`,
    linked(write, homes, `auth.${member.signature}`),
    write.doc(member),
  ];
  const contents = members.map(({ name }) => write.linkTo(`LogoutControls.${name}`, code(name)));
  const events = declarations.get("LogoutEvents");
  const event = (member) => [`### Event ${code(member.name)}`, code(member.type), write.doc(member)];
  return [
    ...["# Controls", HEAD, write.doc(controls), contents.join(" · "), ...underHeadings(members, control)],
    ...["## Events", write.doc(events), ...events.members.flatMap(event)],
  ];
}

function errorsPage({ declarations, statuses, homes, write }) {
  const { members } = declarations.get("LogoutErrorDetails");
  const error = declarations.get("LogoutError");
  const inline = (type) => {
    const declaration = declarations.get(type);
    if (declaration === undefined || declaration.isExported) return linked(write, homes, type);
    return code(`{ ${declaration.members.map(({ signature }) => signature).join("; ")} }`);
  };
  const details = (type) => (type === "undefined" ? "" : ` · details: ${inline(type.replace(" | undefined", ""))}`);
  const entry = (member) => [
    `### ${member.name}`,
    `Status ${member.name === "ERR_REQUEST_INVALID" ? "4xx" : (statuses.get(member.name) ?? 500)}${details(member.type)}`,
    write.doc(member).replaceAll(/^Fix: /gm, "**Fix:** "),
  ];
  const properties = error.members.filter(({ name, text }) => name !== "is" && text !== "");
  return [
    ...[
      "# Errors",
      HEAD,
      write.doc(error),
      properties.map((each) => `- ${code(each.name)}: ${write.doc(each)}`).join("\n"),
    ],
    ...[`${code("LogoutError.is(error, ...codes)")}: ${error.members.find(({ name }) => name === "is").text}`],
    ...underHeadings(members, entry),
  ];
}

function registryPage(page, title, name, entry, types) {
  return ({ declarations, homes, write }) => {
    const registry = declarations.get(name);
    const inherited = new Set(declarations.get("LoginRegistry").members.map((member) => member.name));
    const options = declarations.get(`${name}Options`);
    const bases = options.bases.flatMap((base) => declarations.get(base)?.members ?? []);
    const option = (member) => [
      `### ${code(member.name)}`,
      `${linked(write, homes, member.type)}${member.isOptional ? "" : " · required"}`,
      write.doc(member),
    ];
    const method = (member) => [`### ${code(member.name)}`, code(member.signature), write.doc(member)];
    const methods = registry.members.filter((member) => member.text !== "" && !inherited.has(member.name));
    return [
      ...[`# ${name}`, HEAD, `From ${code(entry)}. Guide: [${title}](../guides/${page}).`, write.doc(registry)],
      ...["## Options", ...[...options.members, ...bases].flatMap(option)],
      ...(methods.length === 0 ? [] : ["## Methods", ...methods.flatMap(method)]),
      ...["## Types", ...types.flatMap((type) => typeSection(declarations.get(type), write))],
    ];
  };
}

function openTelemetryPage({ declarations, functions, homes, write }) {
  const { signature, ...instrument } = functions.get("instrument");
  const option = (member) => [`### ${code(member.name)}`, code(member.type), write.doc(member)];
  const types = ["MeterProvider", "TracerProvider"].map((name) => declarations.get(name));
  return [
    ...[
      "# OpenTelemetry",
      HEAD,
      "From `express-logout/opentelemetry`. Guide: [observability](../guides/observability.md).",
    ],
    ...["## `instrument`", linked(write, homes, signature), write.doc(instrument)],
    ...["## Options", ...declarations.get("InstrumentOptions").members.flatMap(option)],
    ...["## Types", ...types.flatMap((type) => typeSection(type, write))],
  ];
}

function oidcPage({ declarations, functions, homes, write }) {
  const membersOf = (name) =>
    declarations
      .get(name)
      .members.filter(({ text }) => text !== "")
      .flatMap((member) => [`### ${code(member.name)}`, code(member.type), write.doc(member)]);
  const functionOf = (name) => {
    const { signature, ...doc } = functions.get(name);
    return [linked(write, homes, signature), write.doc(doc)];
  };
  const groups = { routes: "OidcRoutes", relax: "OidcRelaxations", securityEvents: "SecurityEventOptions" };
  const types = ["IdTokenClaims", "OidcConfiguration"].map((name) => declarations.get(name));
  return [
    ...["# OpenID Connect", HEAD, "From `express-logout/oidc`. Guide: [OpenID Connect](../guides/openid-connect.md)."],
    ...["## `oidc`", ...functionOf("oidc")],
    ...["## Options", ...membersOf("OidcConfigured"), ...membersOf("OidcCommonOptions")],
    ...["## In place of `configuration`", ...membersOf("OidcMetadata")],
    ...Object.entries(groups).flatMap(([name, type]) => [`## ${code(name)}`, ...membersOf(type)]),
    ...["## Claims that other packages keep"],
    ...["oktaClaims", "keycloakClaims"].flatMap((name) => [`### ${code(name)}`, ...functionOf(name)]),
    ...["## Types", ...types.flatMap((type) => typeSection(type, write))],
  ];
}

function authingPage({ declarations, functions, homes, write }) {
  const membersOf = (name) =>
    declarations
      .get(name)
      .members.flatMap((member) => [`### ${code(member.name)}`, code(member.type), write.doc(member)]);
  const { signature, ...doc } = functions.get("authing");
  return [
    ...[
      "# Authing and GenAuth",
      HEAD,
      "From `express-logout/authing`. Guide: [Authing and GenAuth](../guides/authing.md).",
    ],
    ...["## `authing`", linked(write, homes, signature), write.doc(doc)],
    ...["## Options", ...membersOf("AuthingOptions")],
    ...["## `routes`", ...membersOf("AuthingRoutes")],
    ...["## Types", ...typeSection(declarations.get("AccessKey"), write)],
  ];
}

function typeSection({ name, type, members, bases, ...doc }, write) {
  const known = bases.map((base) => write.linkTo(base));
  const fields = members.map((member) => {
    const text = write.doc(member).replace(/\n+/g, " ");
    return `- ${code(member.signature)}${text === "" ? "" : `: ${text}`}`;
  });
  return [
    `### ${code(name)}`,
    ...(type === undefined ? [] : [code(type)]),
    [write.doc(doc), known.length === 0 ? "" : `With the members of ${known.join(" and ")}.`]
      .filter(Boolean)
      .join("\n\n"),
    fields.join("\n"),
  ];
}

function typesPage({ declarations, types, write }) {
  const memory = declarations.get("MemoryLoginRegistry");
  return [
    ...[
      "# Types",
      HEAD,
      "The types that options, controls, events and errors name. All are exported from `express-logout`.",
    ],
    ...types.flatMap((name) => typeSection(declarations.get(name), write)),
    ...["### `MemoryLoginRegistry`", write.doc(memory)],
  ];
}

const TEXTS_EXAMPLE = `\`\`\`ts
import type { PageOptions } from "express-logout";

export const pages: PageOptions = {
  texts: {
    en: {
      logOut: "Sign out",
      usersOnline: (count) => \`\${count} online\`,
      "events.kick": "Ended by an administrator",
      dates: "en-US",
    },
  },
};
\`\`\``;

function textsPage({ declarations, english, homes, write }) {
  const rows = rowsOfTexts({ declarations, english });
  return [
    ...["# Texts", "<!-- Written by `npm run docs:reference` from lib/pages/texts. Change it there. -->"],
    `The texts of the pages, by the names that ${write.linkTo("LogoutOptions.pages.texts", "`pages.texts`")} replaces. Languages: ${linked(write, homes, "Locale")}. Guide: [texts and languages](../guides/theming.md#texts-and-languages).`,
    TEXTS_EXAMPLE,
    "- A text without values is a string; one with values is a function that returns the text. Both are shown as text, never as HTML.",
    "- Put each value into the text as it is. The time, the age and the search in `since`, `active` and `noMatches` are placeholders, which the page replaces by an element. `timesIn` ends with its value: the script writes the time zone of the reader there.",
    "- The script puts the number in place of the first 2 in `selected(2)` and `newcomers(2)`.",
    "- If a function throws, or returns something else than a string, the page has the text of this package, and the error is in the lines of `DEBUG=express-logout*`.",
    "- `dates` is the BCP 47 tag by which dates are written.",
    "- A release may add names, and takes none away without a row in [upgrading](../upgrading.md).",
    "## All names",
    "With example values: 3 for numbers, names as in a shop.",
    ["| name | values | English |", "| --- | --- | --- |", ...rows].join("\n"),
  ];
}
