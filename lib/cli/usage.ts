import type { ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Options of every command that needs the registry. */
const REGISTRY = {
  app: { type: "string" },
  sqlite: { type: "string" },
  config: { type: "string" },
  json: { type: "boolean" },
} as const satisfies Options;

const KICK = {
  ...REGISTRY,
  reason: { type: "string" },
  by: { type: "string" },
  yes: { type: "boolean" },
} as const satisfies Options;

const PAGE = {
  ...REGISTRY,
  limit: { type: "string" },
  cursor: { type: "string" },
} as const satisfies Options;

/** The options of each command. */
export const OPTIONS = {
  kick: { ...KICK, login: { type: "string" }, except: { type: "string" } },
  "kick-all": { ...KICK, except: { type: "string", multiple: true } },
  "kick-where": {
    ...KICK,
    ip: { type: "string" },
    device: { type: "string" },
    "idle-for": { type: "string" },
    "logged-in-before": { type: "string" },
    "logged-in-after": { type: "string" },
    "min-logins": { type: "string" },
    except: { type: "string", multiple: true },
    "dry-run": { type: "boolean" },
  },
  logins: PAGE,
  active: PAGE,
  history: { ...PAGE, user: { type: "string" }, by: { type: "string" }, before: { type: "string" } },
  watch: REGISTRY,
  doctor: REGISTRY,
  token: { json: { type: "boolean" } },
} as const satisfies Record<string, Options>;

export type CommandName = keyof typeof OPTIONS;

export const USAGE = `Usage: express-logout <command> [options]

Commands
  kick <user>…      end all logins of these users; "-" reads their ids from stdin, one a line
    --login <id>      end this login only
    --except <id>     end all logins but this one
  kick-all          end all logins of everyone
    --except <id>     not this login; may be repeated
  kick-where        end the logins that match all of these options
    --ip <address>    this IP address, or a range: 203.0.113.0/24
    --device <text>   a part of the name of the browser, system or device: firefox
    --idle-for <time> no request for this long: 30m, 12h, 7d
    --logged-in-before <time>, --logged-in-after <time>
                      began at another time: 2026-11-29, "2026-11-29 16:30" (UTC)
    --min-logins <n>  of users with at least this many logins
    --except <id>     not this login; may be repeated
    --dry-run         count what would end, and end nothing
  logins <user>     list the logins of a user
  active            list the users who are online
  history           list kicks, limits, lifetimes and what was denied, newest first
    --user <id>       about this user only
    --by <text>       by this one only
    --before <time>   earlier than this only, such as 2026-11-28T09:00Z
  watch             print every end of a login, until Ctrl+C
  doctor            check the registry and its server
  token             print a new token for the admin API, and its SHA-256 digest

Registry
  --app <id>        the appId of logout()
  --sqlite <file>   an SQLite file; or REDIS_URL or DATABASE_URL in the environment
  --config <file>   a module that exports { appId, registry, store? }, for Cluster, Sentinel or TLS

Options
  --reason <text>   what kicked users are shown
  --by <text>       who kicks, for events: "command line" by default
  --limit <n>       how many rows to list, at most 1,000: 50 by default
  --cursor <text>   the cursor that the page before printed
  --yes             do not ask
  --json            print JSON; watch: a line for each end
  --help, --version

Exit codes: 0 done · 1 not or partly done · 2 wrong usage · 3 the registry cannot be reached
`;
