export * from "./index-scripts.js";
export * from "./user-scripts.js";
