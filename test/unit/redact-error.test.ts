import { createServer, connect } from "node:net";
import { once } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { redactError } from "../../lib/util/redact-error.js";

describe("a redacted error", () => {
  it("has the name, code and message, and nothing else", () => {
    const error = Object.assign(new TypeError("it broke"), { code: "EBROKEN", command: { args: ["a-secret"] } });
    const cause = redactError(error, []);
    expect(Object.entries(cause)).toEqual([
      ["name", "TypeError"],
      ["code", "EBROKEN"],
    ]);
    expect(cause.message).toBe("it broke");
    expect(redactError(new Error("it broke"), [])).not.toHaveProperty("code");
  });

  it("has a message without the hidden texts, wherever they are", () => {
    const redacted = redactError(new Error("the-sid: no session the-sid of abc, nor of four"), [
      "the-sid",
      "abc",
      "four",
    ]);
    expect(redacted.message).toBe("…: no session … of abc, nor of …");
  });

  it("omits the arguments that Redis quotes", () => {
    const error = new Error("ERR unknown command 'x', with args beginning with: 'the-si");
    expect(redactError(error, ["the-sid"]).message).toBe("ERR unknown command 'x'");
  });

  it("omits the input that a parser quotes", () => {
    let error: unknown;
    try {
      JSON.parse("private");
    } catch (thrown) {
      error = thrown;
    }
    expect(String(redactError(error, []))).toBe("SyntaxError: data cannot be parsed");
  });

  it("has the code if there is no message, as of an unreachable address", () => {
    expect(redactError(Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }), []).message).toBe(
      "ECONNREFUSED",
    );
  });

  it("has the text of a value that is not an error", () => {
    expect(redactError("it broke", []).message).toBe("it broke");
  });

  it("is also made of system errors, which Jest creates in another realm", async () => {
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
