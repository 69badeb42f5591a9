// The logins of this process: what one takes of its memory, and how long a page of them takes. Run with --expose-gc.
import { randomBytes } from "node:crypto";
import express from "express";
import { MemoryLoginRegistry } from "express-logout";
import { runArm } from "../support/arm.mjs";

const BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

await runArm(() => {
  const registry = new MemoryLoginRegistry();
  registry.init({ appId: "bench", maxSessionAgeMs: 86_400_000 });
  const add = async (users) => {
    const login = (number) => ({
      id: randomBytes(16).toString("base64url"),
      userId: `user-${number}`,
      sid: randomBytes(24).toString("base64url"),
      ttlMs: 86_400_000,
      ip: `127.0.${number >> 8}.${number & 255}`,
      // As it comes with a request: a string of its own.
      userAgent: Buffer.from(BROWSER).toString(),
    });
    for (let number = 0; number < users; number += 1) await registry.add(login(number));
  };
  const bytes = () => {
    globalThis.gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const page = ({ page: number, limit }) => registry.activeUsers({ offset: (number - 1) * limit, limit });
  return { app: express(), add, bytes, activeUsers: page };
});
