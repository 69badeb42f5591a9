// The floor of a kick: the sessions are known, and deleted in one pipeline.
import { createClient } from "redis";
import express from "express";
import { runArm } from "../support/arm.mjs";

await runArm(async ({ redisPort, prefix }) => {
  const client = await createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect();
  return { app: express(), deleteAll: (sids) => Promise.all(sids.map((sid) => client.del(prefix + sid))) };
});
