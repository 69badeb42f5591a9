import type { RouteRequest } from "../http/route-request.js";
import type { Reply } from "../http/reply.js";
import type { ErrorReply } from "../http/error-handler.js";
import type { RouteName } from "./paths.js";
import type { UserPool } from "./user-pool.js";

/** Returns the response to a request as data, or throws. */
export type PoolHandler = (pool: UserPool, request: RouteRequest) => Promise<Reply>;

/** A call of the clients. */
export interface PoolRoute {
  readonly name: RouteName;
  readonly method: "get" | "post";
  readonly handler: PoolHandler;
  /** How the client reads errors. */
  readonly toReply: ErrorReply;
  /** Whether scripts of other sites may call it with cookies. */
  readonly isShared?: boolean;
  /** Whether the admin API of an application has the same path. */
  readonly isOfAdmin?: boolean;
  /** Whether callers need an access key: without any, the path is the app's. */
  readonly needsKeys?: boolean;
}
