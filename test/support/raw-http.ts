import { connect } from "node:net";

/** The bytes that a server wrote before it closed the connection, in Latin-1. */
export interface RawAnswer {
  readonly text: string;
  /** Of every answer on the connection. */
  readonly statuses: readonly number[];
  /** The last status that is not informational; 0 if there is none. */
  readonly status: number;
  /** The values of a header, in every answer. */
  header(name: string): string[];
  readonly isHung: boolean;
}

const LIMIT_MS = 20_000;
/** The time limit for a server's answer to invalid or incomplete HTTP. */
const PATIENCE_MS = 200;

/**
 * Sends exactly these bytes over their own connection, and reads the answer until the connection is closed. The bytes must ask for that.
 *
 * @param isMalformed - the server may wait for more than is sent. The sender then closes its side.
 */
export function sendRaw(url: string, bytes: Buffer, isMalformed: boolean): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let isHung = false;
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setTimeout(LIMIT_MS, () => {
      isHung = true;
      socket.destroy();
    });
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server that has read enough may close while this is still sending.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      resolve(answerOf(Buffer.concat(chunks).toString("latin1"), isHung));
    });
    socket.write(bytes);
    if (isMalformed) setTimeout(() => socket.end(), PATIENCE_MS);
  });
}

function answerOf(text: string, isHung: boolean): RawAnswer {
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  return {
    text,
    statuses,
    status: statuses.findLast((status) => status >= 200) ?? 0,
    header: (name) => [...text.matchAll(new RegExp(`^${name}: *(.*?)\\r$`, "gim"))].map(([, value]) => value ?? ""),
    isHung,
  };
}
