import connectSessionSequelize from "connect-session-sequelize";
import session from "express-session";
import type { Sequelize } from "sequelize";

/** Sessions in any database of Sequelize. */
export async function sessionsWithSequelize(db: Sequelize) {
  const SequelizeStore = connectSessionSequelize(session.Store);
  const store = new SequelizeStore({ db });
  await db.model("Session").sync(); // the table is there
  return store;
}
