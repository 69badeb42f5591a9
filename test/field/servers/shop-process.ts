import { createShop, serveShop } from "../support/shop.js";

serveShop(createShop().app).catch((error: unknown) => {
  throw error;
});
