import { debuglog } from "node:util";

const log = debuglog("express-logout");

/**
 * Writes a line to stderr under `NODE_DEBUG=express-logout`, and is `undefined` otherwise: `debug?.(…)` then does not even
 * evaluate its arguments. Never a session id, a token or session data.
 */
export const debug: ((format: string, ...values: unknown[]) => void) | undefined = log.enabled ? log : undefined;
