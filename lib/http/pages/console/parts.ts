/** The parts of the console, below its own path. */
export const FORCE = "/force-offline";
export const HISTORY = "/history";
/** One user, by a parameter: an id in the path would lose what browsers and proxies make of `..` and `%2F`. */
export const USERS = "/users";
