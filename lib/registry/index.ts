/** The contract of registries, for their authors. Apps need nothing from here. See `docs/writing-a-registry.md`. */
export { LogoutError } from "../errors.js";
export type { DeviceInfo, Generation, KickRecord, Login } from "../types/login.js";
export type * from "../types/registry.js";
