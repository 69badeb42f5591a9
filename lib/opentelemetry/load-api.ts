import { LogoutError } from "../errors.js";
import { redactError } from "../util/redact-error.js";
import requireApi from "./api.cjs";

export type Api = ReturnType<typeof requireApi>;

/** Loads `@opentelemetry/api`. @throws LogoutError `ERR_OPTION_INVALID` if it is not installed, or has no metrics yet */
export function loadApi(): Api {
  const api = loaded();
  // Before 1.3 it has traces alone.
  if ("metrics" in api) return api;
  throw new LogoutError(
    "ERR_OPTION_INVALID",
    "instrument() needs @opentelemetry/api 1.3 or later. Run npm install @opentelemetry/api.",
  );
}

function loaded(): Api {
  try {
    return requireApi();
  } catch (error) {
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      "instrument() needs @opentelemetry/api, which does not load. Run npm install @opentelemetry/api. See the cause.",
      { cause: redactError(error, []) },
    );
  }
}
