import { ConnectSessionKnexStore } from "connect-session-knex";
import type { Knex } from "knex";

/** Sessions in any database of knex: SQLite, say. */
export async function sessionsWithKnex(knex: Knex) {
  const store = new ConnectSessionKnexStore({ knex });
  await store.ready; // the table is there
  return store;
}
