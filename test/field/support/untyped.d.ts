// The parts of untyped packages that the field suite uses.
declare module "morgan" {
  import type { Request, RequestHandler } from "express";
  function morgan(format: string, options: { stream: { write(line: string): unknown } }): RequestHandler;
  namespace morgan {
    function token(name: string, value: (req: Request) => string): void;
  }
  export default morgan;
}

declare module "compression" {
  import type { RequestHandler } from "express";
  export default function compression(options?: { threshold: number }): RequestHandler;
}

declare module "cors" {
  import type { RequestHandler } from "express";
  export default function cors(options?: { origin: string; credentials: boolean }): RequestHandler;
}

declare module "lusca" {
  import type { RequestHandler } from "express";
  export default function lusca(options: object): RequestHandler;
}

declare module "csurf" {
  import type { RequestHandler } from "express";
  export default function csurf(): RequestHandler;
}

declare module "hpp" {
  import type { RequestHandler } from "express";
  export default function hpp(): RequestHandler;
}

declare module "connect-flash" {
  import type { RequestHandler } from "express";
  export default function flash(): RequestHandler;
}

declare module "connect-ensure-login" {
  import type { RequestHandler } from "express";
  export function ensureLoggedIn(loginUrl?: string): RequestHandler;
}

declare module "cookie-parser" {
  import type { RequestHandler } from "express";
  export default function cookieParser(): RequestHandler;
}

declare module "express-ws" {
  import type { Server } from "node:http";
  import type { Express, Request } from "express";
  import type { WebSocket } from "ws";
  export default function expressWs(
    app: Express,
    server: Server,
  ): { app: Express & { ws(path: string, handler: (socket: WebSocket, req: Request) => void): void } };
}

declare module "body-parser1" {
  import bodyParser from "body-parser";
  export default bodyParser;
}

declare module "passport06" {
  import passport from "passport";
  export default passport;
}
