// `npm run start:oidc`: the shop, and beside it the company's identity provider in the same process.
import { startProvider } from "./company/provider.js";

const { PORT = "3000", OIDC_PORT = "3100" } = process.env;
try {
  const { issuer } = await startProvider({ port: Number(OIDC_PORT), shopOrigin: `http://localhost:${PORT}` });
  process.env["OIDC_ISSUER"] = issuer;
} catch (error) {
  console.error(
    `The identity provider cannot start on port ${OIDC_PORT}: ${String(error)}. Choose another: OIDC_PORT=3101`,
  );
  process.exit(1);
}
await import("./server.js");
