import type api = require("@opentelemetry/api");

/** CommonJS, so that the optional peer is loaded at a call, and bundlers find it. Throws if it is not installed. */
export = (): typeof api => require("@opentelemetry/api") as typeof api;
