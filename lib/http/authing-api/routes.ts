import type { Route } from "../route.js";
import { activeUsers } from "./active-users.js";
import { kickActiveUsers } from "./kick-active-users.js";

const admin = { caller: "admin", guarded: false } as const;

/** The routes of the admin API. */
export const ADMIN_ROUTES: readonly Route[] = [
  {
    ...admin,
    paths: (options) => options.admin?.routes.kickActiveUsers ?? [],
    method: "post",
    handler: kickActiveUsers,
  },
  { ...admin, paths: (options) => options.admin?.routes.activeUsers ?? [], method: "get", handler: activeUsers },
];
