import type { DeviceInfo } from "../types/login.js";

const MAX_USER_AGENT = 256;
const MAX_ADDRESS = 64;
/** An IPv4 address as a dual-stack server sees it (RFC 4291 section 2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

interface RequestLike {
  readonly ip?: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly socket?: { readonly remoteAddress?: unknown };
}

/** Returns the device behind a request of Express, or of a bare `node:http` server (a WebSocket upgrade). */
export function deviceInfoOf(req: object | undefined): DeviceInfo {
  if (req === undefined) return {};
  const { ip, headers, socket } = req as RequestLike;
  return {
    ip: text(ip ?? socket?.remoteAddress, MAX_ADDRESS)?.replace(MAPPED_IPV4, "$1"),
    userAgent: text(headers?.["user-agent"], MAX_USER_AGENT),
  };
}

function text(value: unknown, length: number): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, length).toWellFormed() : undefined;
}
