import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import ts from "typescript";

const LIB = join(__dirname, "../../lib");

/** Returns the functions and blocks of a file that get an error and do not look at it. */
function swallowsIn(file: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCatchClause(node) && !uses(node.block, node.variableDeclaration?.name)) found.push(node);
    const handler = ts.isCallExpression(node) ? errorHandlerOf(node) : undefined;
    if (handler !== undefined && !uses(handler.body, handler.parameters[0]?.name)) found.push(handler);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Returns the function that a call passes for errors: `.catch(f)`, `.then(_, f)`, `.on("error", f)`. */
function errorHandlerOf({
  expression,
  arguments: args,
}: ts.CallExpression): ts.ArrowFunction | ts.FunctionExpression | undefined {
  if (!ts.isPropertyAccessExpression(expression)) return undefined;
  const [first, second] = args;
  const isErrorEvent = first !== undefined && ts.isStringLiteral(first) && first.text === "error";
  const handlers: Record<string, ts.Expression | undefined> = { catch: first, then: second };
  const { text: name } = expression.name;
  const handler = ["on", "once"].includes(name) ? (isErrorEvent ? second : undefined) : handlers[name];
  return handler !== undefined && (ts.isArrowFunction(handler) || ts.isFunctionExpression(handler))
    ? handler
    : undefined;
}

function uses(body: ts.Node, name: ts.BindingName | undefined): boolean {
  if (name === undefined) return false;
  const isUsed = (node: ts.Node): boolean =>
    (ts.isIdentifier(node) && ts.isIdentifier(name) && node.text === name.text) ||
    ts.forEachChild(node, isUsed) === true;
  return isUsed(body);
}

/** Returns whether a comment in the block, or right before its statement, says why the error needs no line. */
function isExplained(node: ts.Node, file: ts.SourceFile): boolean {
  const comment = /\/\/ |\/\*/;
  if (comment.test(node.getText(file))) return true;
  if (ts.isCatchClause(node)) return false;
  const statement = ts.findAncestor(node, (each) => ts.isStatement(each) && !ts.isBlock(each));
  const leading = statement && file.text.slice(statement.getFullStart(), statement.getStart(file));
  return leading !== undefined && comment.test(leading);
}

function unexplainedIn(path: string, source: string): string[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  return swallowsIn(file)
    .filter((node) => !isExplained(node, file) && !/\bdebug/.test(node.getText(file)))
    .map((node) => `${path}:${String(file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1)}`);
}

describe("an error that lib does not pass on", () => {
  it("is in the debug log, or a comment says why not", () => {
    const paths = readdirSync(LIB, { recursive: true, encoding: "utf8" }).filter(
      (path) => /\.tsx?$/.test(path) && !path.startsWith("pages/browser"),
    );
    expect(paths.length).toBeGreaterThan(80);
    expect(paths.flatMap((path) => unexplainedIn(path, readFileSync(join(LIB, path), "utf8")))).toEqual([]);
  });

  it.each([
    ["try { a(); } catch { b(); }", true],
    ["try { a(); } catch (error) { b(); }", true],
    ["// why\ntry { a(); } catch { b(); }", true],
    ["try { a(); } catch (error) { b(error); }", false],
    ["try { a(); } catch { /* why */ b(); }", false],
    ["try { a(); } catch { debug?.('a failed'); }", false],
    ["a().catch(() => undefined);", true],
    ["a().catch(function () {});", true],
    ["a().catch((error) => b());", true],
    ["a().catch((error) => b(error));", false],
    ["// why\na().catch(() => undefined);", false],
    ["// why not here\na();\nb().catch(() => undefined);", true],
    ["a().catch(ignored('a failed'));", false],
    ["a().then(b, () => undefined);", true],
    ["a().then(() => undefined);", false],
    ["a.on('error', () => undefined);", true],
    ["a.on('close', () => undefined);", false],
  ])("is found by this test: %j", (source, isFound) => {
    expect(unexplainedIn("a.ts", source)).toHaveLength(isFound ? 1 : 0);
  });
});
