import { createHash } from "node:crypto";

/** One atomic step, in Lua. */
export interface Script {
  readonly source: string;
  /** What EVALSHA calls it by. */
  readonly sha: string;
}

/** The time by the clock of Redis, in microseconds and milliseconds: the clocks of the nodes decide nothing. */
const TIME = `
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function integer(number) return string.format('%.0f', number) end
`;

/** @param parts - Lua, one behind the other */
export function script(...parts: readonly string[]): Script {
  const source = [TIME, ...parts].join("");
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
