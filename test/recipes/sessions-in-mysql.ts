import expressMySqlSession from "express-mysql-session";
import session from "express-session";

/** Sessions in MySQL or MariaDB. Before the process ends: `await store.close()`. */
export async function sessionsInMySql(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url);
  const MySQLStore = expressMySqlSession(session);
  const store = new MySQLStore({
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    expiration: 86_400_000, // for cookies without an age
  });
  await store.onReady(); // the table is there
  return store;
}
