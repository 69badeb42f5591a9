import { afterEach, describe, expect, it } from "@jest/globals";
import { Device } from "../support/device.js";
import { reportTried } from "../support/field.js";
import { expectJourney, logInByForm } from "../support/journey.js";
import { bundle, serverFolder, startServer } from "../support/process.js";

reportTried("bundler", ["esbuild"], "a minified server");

describe("a server that esbuild has bundled and minified into one file", () => {
  const ending: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ending.splice(0)) await end();
  });

  it("takes the journey, and its pages have their styles and scripts", async () => {
    const folder = serverFolder();
    ending.push(() => folder.remove());
    const server = await startServer(await bundle("shop-process.ts", folder, { minify: true }));
    ending.unshift(() => server.stop());
    await expectJourney(server);
    const device = new Device(server.url);
    await logInByForm(device, "alice");
    const { text } = await device.page("/u");
    const files = [...text.matchAll(/(?:href|src)="([^"]+\.(?:css|js)[^"]*)"/g)].map(([, path = ""]) => path);
    expect(files.length).toBeGreaterThan(1);
    for (const path of files) expect((await device.page(path)).status).toBe(200);
  });
});
