// The parts of untyped stores that the tests use.
declare module "connect-pg-simple" {
  import type session from "express-session";
  import type { Pool } from "pg";
  interface Options {
    pool: Pool;
    createTableIfMissing: boolean;
    pruneSessionInterval: false;
  }
  export default function connectPgSimple(module: typeof session): new (options: Options) => session.Store;
}

declare module "express-mysql-session" {
  import type session from "express-session";
  interface Options {
    host?: string;
    port?: number;
    user?: string;
    password?: string;
    database?: string;
    expiration?: number;
    clearExpired?: boolean;
    createDatabaseTable?: boolean;
    disableTouch?: boolean;
  }
  export interface MySQLStore extends session.Store {
    readonly options: Required<Options>;
    onReady(): Promise<void>;
    close(): Promise<void>;
  }
  export default function expressMySqlSession(
    module: typeof session,
  ): new (options: Options, connection?: object) => MySQLStore;
}

declare module "session-file-store" {
  import type session from "express-session";
  interface Options {
    path: string;
    ttl?: number;
    retries?: number;
    reapInterval?: number;
    logFn?: () => void;
  }
  export default function sessionFileStore(module: typeof session): new (options: Options) => session.Store;
}

declare module "cookie-parser" {
  /** `false` if the signature is wrong. */
  export function signedCookie(value: string, secret: string): string | false;
}
