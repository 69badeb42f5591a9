import { createServer, connect } from "node:net";
import { once } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { redactError } from "../../lib/util/redact-error.js";

describe("what may be told of somebody else's error", () => {
  it("is its name, its code and its message, and nothing else", () => {
    const error = Object.assign(new TypeError("it broke"), { code: "EBROKEN", command: { args: ["a-secret"] } });
    const cause = redactError(error, []);
    expect(Object.entries(cause)).toEqual([
      ["name", "TypeError"],
      ["code", "EBROKEN"],
    ]);
    expect(cause.message).toBe("it broke");
    expect(redactError(new Error("it broke"), [])).not.toHaveProperty("code");
  });

  it("is what is not to be hidden of the message, wherever that stands", () => {
    const told = redactError(new Error("the-sid: no session the-sid of abc, nor of four"), ["the-sid", "abc", "four"]);
    expect(told.message).toBe("…: no session … of abc, nor of …");
  });

  it("is not what Redis quotes of the arguments", () => {
    const error = new Error("ERR unknown command 'x', with args beginning with: 'the-si");
    expect(redactError(error, ["the-sid"]).message).toBe("ERR unknown command 'x'");
  });

  it("is not what a parser quotes of what it was given", () => {
    let error: unknown;
    try {
      JSON.parse("private");
    } catch (thrown) {
      error = thrown;
    }
    expect(String(redactError(error, []))).toBe("SyntaxError: what was read is not what it should be");
  });

  it("is the code where there is no message, as of an address that does not answer", () => {
    expect(redactError(Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }), []).message).toBe(
      "ECONNREFUSED",
    );
  });

  it("is the text of what is no error", () => {
    expect(redactError("it broke", []).message).toBe("it broke");
  });

  it("is told of the errors of the system too, which Jest makes elsewhere", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    const error = await new Promise<unknown>((resolve) => connect(port, "127.0.0.1").once("error", resolve));
    expect(redactError(error, [])).toMatchObject({
      code: "ECONNREFUSED",
      message: expect.stringMatching(/^connect ECONN/),
    });
  });
});
