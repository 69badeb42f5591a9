import { createHash } from "node:crypto";

/** A Lua script: one atomic step. */
export interface Script {
  readonly source: string;
  /** The SHA-1 digest for EVALSHA. */
  readonly sha: string;
}

/** The clock of Redis, in microseconds and milliseconds. The clocks of the nodes decide nothing. */
const TIME = `
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function integer(number) return string.format('%.0f', number) end
`;

/** Builds a script from parts in Lua. */
export function script(...parts: readonly string[]): Script {
  const source = [TIME, ...parts].join("");
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
