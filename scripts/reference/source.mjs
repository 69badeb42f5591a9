// Reads the declarations of lib, with their TSDoc, from the syntax trees of TypeScript. Types are shown as they are written.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** Reads the TSDoc of a node: its text, and the texts of each of its tags. */
function docOf(node, source) {
  const comment = node.jsDoc?.at(-1);
  const tags = {};
  for (const tag of comment?.tags ?? []) {
    const name = tag.tagName.text;
    const text = (ts.getTextOfJSDocComment(tag.comment) ?? "").trim();
    // `@param name - text`: TypeScript parses the name and keeps the dash.
    const parameter = ts.isJSDocParameterTag(tag) ? `\`${tag.name.getText(source)}\`: ` : "";
    (tags[name] ??= []).push(parameter + text.replace(/^- /, ""));
  }
  return { text: (ts.getTextOfJSDocComment(comment?.comment) ?? "").trim(), tags };
}

/** Returns a type or a signature in one line, without what says nothing to a reader. */
function textOf(node, source) {
  return node
    .getText(source)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replaceAll(", )", ")")
    .replace(/\breadonly (?=\w+\??:)/g, "")
    .replace(/(\?: [^;]+?) \| undefined(?=;)/g, "$1")
    .replaceAll("; }", " }")
    .replace(/^\| /, "");
}

/** Returns the type of a member, which of an optional one is without `undefined`. */
function typeOf({ type, questionToken }, source) {
  if (type === undefined) return "";
  const isUndefined = ({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword;
  if (questionToken === undefined || !ts.isUnionTypeNode(type)) return textOf(type, source);
  const rest = type.types.filter((each) => !isUndefined(each));
  const [only] = rest;
  if (rest.length === 1) return textOf(ts.isParenthesizedTypeNode(only) ? only.type : only, source);
  return rest.map((each) => textOf(each, source)).join(" | ");
}

/** Returns the heading above a member: a comment `// Heading`. */
function headingOf(member, source) {
  const above = source.text.slice(member.getFullStart(), member.getStart(source));
  return /^ *\/\/ (.*)$/m.exec(above)?.[1];
}

function membersOf(node, source) {
  let heading;
  const isPublic = ({ name }) => name !== undefined && !ts.isPrivateIdentifier(name);
  return [...node.members].filter(isPublic).map((member) => {
    heading = headingOf(member, source) ?? heading;
    const name = member.name.getText(source);
    const isOptional = member.questionToken !== undefined;
    const isFunction = member.type !== undefined && ts.isFunctionTypeNode(member.type);
    const type = typeOf(member, source);
    return {
      name,
      heading,
      isOptional,
      type,
      signature: signatureOf(member, isFunction, source),
      ...docOf(member, source),
    };
  });
}

/** Returns `name(parameters): result` for a function, `name: type` for other members. */
function signatureOf(member, isFunction, source) {
  const name = member.name.getText(source);
  if (!isFunction && !ts.isMethodSignature(member) && !ts.isMethodDeclaration(member)) {
    const type = typeOf(member, source) || "unknown";
    return `${name}${member.questionToken === undefined ? "" : "?"}: ${type}`;
  }
  const { typeParameters, parameters, type } = isFunction ? member.type : member;
  const list = (nodes) => nodes.map((node) => textOf(node, source)).join(", ");
  const generics = typeParameters === undefined ? "" : `<${list(typeParameters)}>`;
  const optional = member.questionToken !== undefined && !isFunction ? "?" : "";
  return `${name}${optional}${generics}(${list(parameters)})${type === undefined ? "" : `: ${textOf(type, source)}`}`;
}

function declarationOf(node, source) {
  const common = { name: node.name.text, ...docOf(node, source) };
  if (ts.isTypeAliasDeclaration(node)) return { ...common, type: textOf(node.type, source), members: [], bases: [] };
  const bases = (node.heritageClauses ?? [])
    .filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    .flatMap(({ types }) => types.map((type) => textOf(type, source)));
  return { ...common, members: membersOf(node, source), bases };
}

/** Returns an exported function, by its signature. */
function functionOf(node, source) {
  const list = node.parameters.map((parameter) => textOf(parameter, source)).join(", ");
  const signature = `${node.name.text}(${list}): ${textOf(node.type, source)}`;
  return { name: node.name.text, signature, ...docOf(node, source) };
}

/** Reads the exported functions of a file, by their names. */
export function readFunctions(file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const isExported = (node) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
  const functions = source.statements.filter((node) => ts.isFunctionDeclaration(node) && isExported(node));
  return new Map(functions.map((node) => [node.name.text, functionOf(node, source)]));
}

/** Reads every interface, type and class of a folder, by its name. The exported one counts if two have one name. */
export function readDeclarations(folder) {
  const declarations = new Map();
  const files = readdirSync(folder, { recursive: true }).filter((name) => /\.tsx?$/.test(name));
  for (const file of files.sort()) {
    const path = join(folder, file);
    const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
    for (const node of source.statements) {
      if (!ts.isInterfaceDeclaration(node) && !ts.isTypeAliasDeclaration(node) && !ts.isClassDeclaration(node))
        continue;
      const isExported = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
      if (isExported || !declarations.has(node.name.text)) {
        declarations.set(node.name.text, { ...declarationOf(node, source), isExported });
      }
    }
  }
  return declarations;
}

/** Reads the HTTP status of each code from the table in `errors.ts`. A code that is not in the table is a 500. */
export function readStatuses(file) {
  const text = /const STATUS[^{]*\{([^}]*)\}/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  return new Map([...text.matchAll(/(ERR_\w+): (\d+)/g)].map(([, code, status]) => [code, Number(status)]));
}
