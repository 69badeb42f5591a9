/** Under this name an identity provider holds its parts. `Symbol.for`: the ESM and the CommonJS build may meet in one process. */
export const PROVIDER: unique symbol = Symbol.for("express-logout.provider");
