// Sees to it that the services which the tests start are installed. Debian's packages are installed where that is possible;
// elsewhere it stops and says what to do. No test is skipped for want of a service.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";

/** Debian keeps the programs of each version of PostgreSQL in a folder off the PATH. */
const POSTGRES = "/usr/lib/postgresql";
const postgresVersions = () => (existsSync(POSTGRES) ? readdirSync(POSTGRES) : []);

const SERVICES = [
  {
    commands: () => ["redis-server"],
    package: "redis-server",
    howTo: "https://redis.io/docs/latest/operate/oss_and_stack/install/",
  },
  {
    commands: () => ["chromium", "chromium-browser", "google-chrome"],
    package: "chromium",
    howTo: "https://www.chromium.org/getting-involved/download-chromium/",
  },
  {
    commands: () => ["postgres", ...postgresVersions().map((version) => `${POSTGRES}/${version}/bin/postgres`)],
    package: "postgresql",
    howTo: "https://www.postgresql.org/download/",
  },
  {
    commands: () => ["mariadbd", "/usr/sbin/mariadbd"],
    package: "mariadb-server",
    howTo: "https://mariadb.org/download/",
  },
  {
    commands: () => ["openssl"],
    package: "openssl",
    howTo: "https://openssl-library.org/source/",
  },
  {
    commands: () => ["wrk"],
    package: "wrk",
    howTo: "https://github.com/wg/wrk",
  },
];

// Found at all: not every program says its version without complaint.
const works = (command, args) => spawnSync(command, args, { stdio: "ignore" }).error === undefined;
const isMissing = ({ commands }) => !commands().some((command) => works(command, ["--version"]));

const missing = SERVICES.filter(isMissing);
if (missing.length > 0) {
  const names = missing.map((service) => service.package);
  if (process.getuid?.() === 0 && works("apt-get", ["--version"])) {
    console.log(`Installing ${names.join(", ")} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    spawnSync("apt-get", ["update"], { stdio: "ignore", env });
    spawnSync("apt-get", ["install", "-y", "--no-install-recommends", ...names], {
      stdio: ["ignore", "ignore", "inherit"],
      env,
    });
  }
  const still = missing.filter(isMissing);
  for (const { commands, package: name, howTo } of still) {
    console.error(
      `The tests start a ${commands()[0]} of their own, and it is not installed. Debian: sudo apt-get install ${name}. Others: ${howTo}`,
    );
  }
  process.exitCode = still.length === 0 ? 0 : 1;
}
