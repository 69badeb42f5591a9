import session from "express-session";
import sessionFileStore from "session-file-store";

/** Sessions in the files of one machine. */
export function sessionsInFiles(path: string) {
  const FileStore = sessionFileStore(session);
  return new FileStore({
    path,
    ttl: 86_400, // in seconds, for cookies without an age
    retries: 0, // by default a request with the cookie of a deleted session waits for a quarter of a second
    logFn: () => undefined,
  });
}
