import { statfs, stat } from "node:fs/promises";
import { LogoutError } from "../../errors.js";
import type { Finding } from "../../types/health.js";
import { debugError } from "../../util/debug.js";
import { redactError } from "../../util/redact-error.js";
import type { Database } from "./database.js";
import { SCHEMA_VERSION } from "./migrations.js";
import type { Row } from "./records.js";

/** The types of file systems that Linux has, by the numbers of `statfs`: those of a network. */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB 2",
  0x01021997: "9p",
  0x5346414f: "AFS",
  0x00c36400: "Ceph",
};
const FUSE = 0x65735546;
/** Half of a full disk's last gigabyte: a kick that cannot be written fails. */
const NEARLY_FULL_BYTES = 100_000_000;

interface Facts {
  readonly file: string;
  readonly journalMode: string;
  readonly schema: number;
  readonly users: number;
}

/** Checks the file of a registry. Never rejects. */
export async function checkFile(database: Database, app: string): Promise<readonly Finding[]> {
  let facts: Facts;
  try {
    facts = await database.read((sql) => ({
      file: fileIn(sql.all("databases")),
      journalMode: String(sql.first("journalMode")?.["journal_mode"]),
      schema: Number(sql.first("schemaVersion")?.["version"]),
      users: Number(sql.first("countUsers", app, Date.now())?.["count"]),
    }));
  } catch (error) {
    return [{ level: "unknown", what: "SQLite: settings", why: `They could not be read: ${reasonOf(error)}` }];
  }
  const { file, schema } = facts;
  const version: Finding = {
    level: "ok",
    what: "SQLite: schema",
    why: `Version ${String(schema)}; this release needs ${String(SCHEMA_VERSION)}.`,
  };
  return file === ""
    ? [version, inMemory()]
    : [version, await access(database), journal(facts), ...(await disk(facts))];
}

/** Begins a step of a login, and changes nothing. A file that can only be read would otherwise be in order. */
async function access(database: Database): Promise<Finding> {
  const what = "SQLite: access";
  try {
    await database.step(() => undefined);
    return { level: "ok", what, why: "The file can be written." };
  } catch (error) {
    const reason = reasonOf(error);
    if (/read-?only|unable to open/i.test(reason)) {
      const why = "The file cannot be written: logins and kicks fail.";
      const how = "Let the app write into the file and its folder, on a file system that is not mounted read-only.";
      return { level: "error", what, why, how };
    }
    return { level: "unknown", what, why: `It could not be tried: ${reason}` };
  }
}

/** The message of an error with its cause, which the registry has redacted. */
function reasonOf(error: unknown): string {
  if (!LogoutError.is(error)) return `${redactError(error, []).name}.`;
  const { message, cause } = error;
  return cause instanceof Error ? message.replace("see the cause", cause.message) : message;
}

/** Returns the file in the result of `PRAGMA database_list`; `""` for a database in memory. */
function fileIn(databases: readonly Row[]): string {
  const file = databases.find(({ name }) => name === "main")?.["file"];
  return typeof file === "string" ? file : "";
}

function inMemory(): Finding {
  const why = "The database is in memory: a restart forgets every login and every kick.";
  return { level: "warn", what: "SQLite: file", why, how: "Pass the name of a file." };
}

function journal({ journalMode }: Facts): Finding {
  const what = "SQLite: journal mode";
  if (journalMode === "wal") return { level: "ok", what, why: "WAL." };
  const why = `It is ${journalMode}, not WAL: requests wait for each other, and for the disk.`;
  return { level: "warn", what, why, how: "Keep the file on a local disk, and let the app write into its folder." };
}

async function disk({ file, users }: Facts): Promise<readonly Finding[]> {
  const what = "SQLite: file system";
  const sized = await sizeOf(file, users);
  try {
    const { type, bavail, bsize } = await statfs(file);
    const left = bavail * bsize;
    const network = NETWORK[type];
    if (network !== undefined) {
      const why = `The file is on ${network}, where SQLite's locks and WAL do not work: kicks of other machines are missed.`;
      return [{ level: "error", what, why, how: "Move the file to a local disk, or use Redis or PostgreSQL." }, sized];
    }
    if (type === FUSE) {
      const why = "The file is on a FUSE file system, which may or may not be local.";
      return [{ level: "unknown", what, why, how: "Move the file to a local disk, if that is a network." }, sized];
    }
    if (left < NEARLY_FULL_BYTES) {
      const why = `${megabytes(left)} are left on the disk. On a full one, logins and kicks fail.`;
      return [{ level: "warn", what, why, how: "Free some space." }, sized];
    }
    return [{ level: "ok", what, why: `No network file system; ${megabytes(left)} are left.` }, sized];
  } catch (error) {
    debugError("the file system of the SQLite file is not known", error);
    return [{ level: "unknown", what, why: "The system does not say which it is." }, sized];
  }
}

async function sizeOf(file: string, users: number): Promise<Finding> {
  // There is no log after the last process has closed the file.
  const sizes = await Promise.all(
    ["", "-wal"].map((suffix) =>
      stat(file + suffix).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const listed = `${users.toLocaleString("en")} ${users === 1 ? "user is" : "users are"} listed`;
  return { level: "ok", what: "SQLite: size", why: `${listed}, in ${megabytes(bytes)}.` };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}
