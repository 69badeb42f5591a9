// The part of this untyped package that the example app uses.
declare module "session-file-store" {
  import type session from "express-session";
  interface Options {
    path: string;
    retries: number;
    logFn: () => void;
  }
  export default function sessionFileStore(module: typeof session): new (options: Options) => session.Store;
}
