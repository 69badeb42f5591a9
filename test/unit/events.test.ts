import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { transformSync } from "@swc/core";

const { code: EVENTS } = transformSync(readFileSync(join(__dirname, "../../lib/logins/events.ts"), "utf8"), {
  jsc: { parser: { syntax: "typescript" }, target: "es2023" },
  module: { type: "commonjs" },
});

/** Returns the output of a process that runs this code with `events`. */
function printed(script: string): unknown {
  const program = `${EVENTS}
    const events = new exports.Events();
    const lines = [];
    process.on("uncaughtException", (error) => lines.push("uncaught " + error.message));
    process.on("exit", () => console.log(JSON.stringify(lines)));
    ${script}`;
  return JSON.parse(execFileSync(process.execPath, ["-e", program], { encoding: "utf8" }));
}

describe("a listener that throws", () => {
  it("causes an uncaught exception each time, and the other listeners are called", () => {
    const lines = printed(`
      events.on("login", () => { throw new Error("one"); });
      events.on("login", ({ userId }) => lines.push("first " + userId));
      events.on("login", () => { throw new Error("two"); });
      events.on("login", ({ userId }) => lines.push("second " + userId));
      events.emit("login", { userId: "alice" });
      lines.push("emitted");
      setImmediate(() => events.emit("login", { userId: "bob" }));`);
    const called = (userId: string) => ["uncaught one", `first ${userId}`, "uncaught two", `second ${userId}`];
    expect(lines).toEqual(["emitted", ...called("alice"), ...called("bob")]);
  });
});

describe("a removed listener", () => {
  it("is no longer called, not even for an event that was just emitted", () => {
    const lines = printed(`
      const listener = () => lines.push("called");
      const remove = events.on("logout", listener);
      events.emit("logout", {});
      remove();
      events.on("login", listener);
      events.emit("login", {});
      events.close();`);
    expect(lines).toEqual([]);
  });
});
