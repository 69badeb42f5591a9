import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { withUser } from "../../recipes/next-user.js";
import { createShop, serveShop } from "../support/shop.js";

/** The parts of Next.js in use. Its own types would change those of Node.js everywhere. */
interface NextApp {
  prepare(): Promise<void>;
  getRequestHandler(): (req: IncomingMessage, res: ServerResponse) => Promise<void>;
}

/** A custom server as the documentation of Next.js has it, on Express. */
async function main(): Promise<void> {
  // From the app's own folder, which is that of the bundled file.
  const load = createRequire(join(__dirname, "package.json"));
  const pages = (load("next") as (options: { dev: boolean; dir: string }) => NextApp)({ dev: false, dir: __dirname });
  await pages.prepare();
  const handle = pages.getRequestHandler();
  const { app } = createShop({
    // Next.js reads the bodies of its API routes by itself.
    parsers: () => undefined,
    auth: { routes: { login: ["/login", "/api/login"] } },
    last: (shop) => shop.use(withUser(handle)),
    hasOwnPages: false,
  });
  await serveShop(app);
}

main().catch((error: unknown) => {
  throw error;
});
