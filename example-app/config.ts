/** What callers of the admin API have to name. */
export const APP_ID = "shop";
export const USER_POOL_ID = "acme";
