import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFile } from "node:fs/promises";
import { createApp } from "./app.js";
import { APP_ID, USER_POOL_ID } from "./config.js";
import { openPlace } from "./place.js";
import { DEMO_PASSWORDS } from "./users.js";

const {
  PORT = "3000",
  ADMIN_TOKEN,
  SESSION_SECRET,
  SLOW_MS = "10000",
  FRESH_MS = "600000",
  AUDIT_LOG,
  OIDC_ISSUER,
  SDK_SECRET,
} = process.env;
const origin = `http://localhost:${PORT}`;
const adminToken = ADMIN_TOKEN ?? randomBytes(16).toString("hex");
const place = await openPlace(process.env);
// Loaded for `npm run start:oidc` alone.
const company =
  OIDC_ISSUER === undefined
    ? undefined
    : await (await import("./company/login.js")).connectCompany(OIDC_ISSUER, origin);

const { app } = createApp({
  ...place,
  origin,
  adminToken,
  // Processes that share their sessions share the secret. This one is public: fit for a demo alone.
  sessionSecret: SESSION_SECRET ?? "the session secret of the example app",
  slowMs: Number(SLOW_MS),
  freshMs: Number(FRESH_MS),
  // One line of JSON an entry. A kick waits until its line is written.
  audit: {
    log: AUDIT_LOG === undefined ? undefined : (entry) => appendFile(AUDIT_LOG, `${JSON.stringify(entry)}\n`),
    history: {},
  },
  company,
  sdkSecret: SDK_SECRET,
});
const server = app.listen(Number(PORT));
server.once("error", (error) => {
  console.error(`Cannot listen on port ${PORT}: ${error.message}. Choose another: PORT=3001 npm start`);
  process.exit(1);
});
await once(server, "listening");

const inShell =
  place.cliOptions === undefined
    ? ""
    : `  In a shell  npx express-logout kick alice --app ${APP_ID}${place.cliOptions}
              npx express-logout doctor --app ${APP_ID}${place.cliOptions}
`;
const atCompany =
  company === undefined
    ? ""
    : `  Company     ${origin}${company.loginUrl}   (the same accounts; ${String(company.logoutUrl)} logs out there)
`;
const accounts = Object.entries(DEMO_PASSWORDS).map(([name, password]) => `${name} / ${password}`);
console.log(`
The shop is at ${origin}/, on ${place.name}

  Log in      ${origin}/login      as ${accounts.join(", ")}
${atCompany}  Devices     ${origin}/u
  Console     ${origin}/console/applications/${APP_ID}/login-management   (as admin)
  Log out     ${origin}/login/profile/logout?redirect_uri=${encodeURIComponent(`${origin}/bye`)}
  Audit log   ${AUDIT_LOG ?? "none; AUDIT_LOG=audit.log npm start writes one"}
  Kick alice  curl -X POST ${origin}/api/applications/${APP_ID}/kick-active-users \\
                -H 'x-authing-userpool-id: ${USER_POOL_ID}' -H 'Authorization: ${adminToken}' \\
                -H 'Content-Type: application/json' -d '{"userIds":["alice"]}'
  Who is on   curl '${origin}/api/applications/${APP_ID}/active-users' \\
                -H 'x-authing-userpool-id: ${USER_POOL_ID}' -H 'Authorization: ${adminToken}'
  Ready?      curl ${origin}/healthz
${inShell}`);
