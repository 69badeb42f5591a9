import {
  Catch,
  Global,
  Logger,
  Module,
  type ArgumentsHost,
  type ExceptionFilter,
  type OnModuleDestroy,
} from "@nestjs/common";
import type { Response } from "express";
import { LogoutError, type LogoutMiddleware } from "express-logout";

/** The token that injects the controls: `constructor(@Inject(AUTH) private readonly auth: LogoutMiddleware) {}`. */
export const AUTH = "express-logout";

/** Provides the controls to every module, and closes their subscriptions and timers with the app. */
export function authModule(auth: LogoutMiddleware) {
  @Global()
  @Module({ providers: [{ provide: AUTH, useValue: auth }], exports: [AUTH] })
  class AuthModule implements OnModuleDestroy {
    async onModuleDestroy(): Promise<void> {
      await auth.close();
    }
  }
  return AuthModule;
}

/** Responds to the errors of express-logout: 503 with `Retry-After` while Redis is unavailable. */
@Catch(LogoutError)
export class LogoutErrorFilter implements ExceptionFilter<LogoutError> {
  catch(error: LogoutError, host: ArgumentsHost): void {
    const res = host.switchToHttp().getResponse<Response>();
    const isMisuse = error.status === 500;
    if (isMisuse) new Logger("express-logout").error(error.message);
    if (res.headersSent) return;
    const message = isMisuse ? "Internal server error" : error.message;
    res.status(error.status).set(error.headers).json({ statusCode: error.status, message });
  }
}
