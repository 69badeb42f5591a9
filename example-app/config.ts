/** What callers of the admin API have to name. */
export const APP_ID = "shop";
export const USER_POOL_ID = "acme";

/** What the shop is to the company's identity provider. The secret is public: fit for a demo alone. */
export const COMPANY_CLIENT = { id: "shop", secret: "the client secret of the example app" };
