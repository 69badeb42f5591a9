import { debuglog } from "node:util";

const log = debuglog("express-logout");

/**
 * Writes a line to stderr under `NODE_DEBUG=express-logout`. `undefined` otherwise, so that `debug?.(…)` does not evaluate its
 * arguments. Never pass a session id, a token or session data.
 */
export const debug: ((format: string, ...values: unknown[]) => void) | undefined = log.enabled ? log : undefined;
