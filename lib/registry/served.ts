import { LogoutError } from "../errors.js";

/** The application that a registry serves: none before `init`, and never another one. */
export class Served<Application extends { readonly appId: string }> {
  readonly #hint: string;
  #application: Application | undefined;

  /** @param shared - What two registries may have in common, such as "the client". Default: nothing. */
  constructor(shared?: string) {
    this.#hint = shared === undefined ? "" : ` (${shared} can be shared)`;
  }

  /** @throws LogoutError `ERR_REGISTRY_IN_USE` if the registry serves another application. */
  check(appId: string): void {
    if (this.#application === undefined || this.#application.appId === appId) return;
    throw new LogoutError(
      "ERR_REGISTRY_IN_USE",
      `This registry serves the application "${this.#application.appId}". Create another registry for "${appId}"${this.#hint}.`,
    );
  }

  set application(application: Application) {
    this.#application = application;
  }

  get application(): Application {
    if (this.#application === undefined) {
      throw new LogoutError(
        "ERR_REGISTRY_REQUIRED",
        "The registry is not initialized. Pass it to logout({ registry }).",
      );
    }
    return this.#application;
  }
}
