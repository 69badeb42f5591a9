-- The first schema.
--
-- Why each step is atomic: a step runs within one BEGIN IMMEDIATE transaction, and SQLite lets one process at a time write. So a step
-- sees every earlier step, and no other step runs.
--
-- Times are in milliseconds since 1970. Texts are escaped as in JSON strings.

-- The last kick of everyone. `kick`: the kick record in JSON, here and below.
CREATE TABLE express_logout_apps (
  app TEXT PRIMARY KEY,
  kick_id TEXT NOT NULL,
  kick TEXT NOT NULL
) WITHOUT ROWID;

-- A user who is online or of whom something is remembered. `expires`: expiry of the user's last login, null without logins.
-- `shown`: until when lists show the user, null: not at all. `until`: when the row can be deleted. `spared`: the login to which the
-- kick does not apply.
CREATE TABLE express_logout_users (
  app TEXT NOT NULL,
  user TEXT NOT NULL,
  active INTEGER,
  expires INTEGER,
  shown INTEGER,
  kick_id TEXT,
  kick TEXT,
  kick_until INTEGER,
  spared TEXT,
  until INTEGER NOT NULL,
  PRIMARY KEY (app, user)
) WITHOUT ROWID;
CREATE INDEX express_logout_users_active ON express_logout_users (app, active DESC, user) WHERE shown IS NOT NULL;
CREATE INDEX express_logout_users_online ON express_logout_users (app, user) WHERE expires IS NOT NULL;
CREATE INDEX express_logout_users_until ON express_logout_users (app, until);

-- The live logins. `shown_until`: until when lists show the login. `sids`: the session ids, a JSON array of escaped texts.
CREATE TABLE express_logout_logins (
  app TEXT NOT NULL,
  user TEXT NOT NULL,
  id TEXT NOT NULL,
  began INTEGER NOT NULL,
  last_active INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  shown_until INTEGER NOT NULL,
  ip TEXT,
  user_agent TEXT,
  sids TEXT NOT NULL,
  PRIMARY KEY (app, user, id)
) WITHOUT ROWID;
CREATE INDEX express_logout_logins_began ON express_logout_logins (app, user, began DESC, id);
CREATE INDEX express_logout_logins_expires ON express_logout_logins (app, user, expires);

-- The logins of kicks that are not finished.
CREATE TABLE express_logout_kicked (
  app TEXT NOT NULL,
  user TEXT NOT NULL,
  id TEXT NOT NULL,
  began INTEGER NOT NULL,
  last_active INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  shown_until INTEGER NOT NULL,
  ip TEXT,
  user_agent TEXT,
  sids TEXT NOT NULL,
  PRIMARY KEY (app, user, id)
) WITHOUT ROWID;
CREATE INDEX express_logout_kicked_expires ON express_logout_kicked (app, user, expires);

-- How often, and by which kick, single logins have been ended.
CREATE TABLE express_logout_ended (
  app TEXT NOT NULL,
  user TEXT NOT NULL,
  id TEXT NOT NULL,
  ends INTEGER NOT NULL,
  kick TEXT,
  until INTEGER NOT NULL,
  PRIMARY KEY (app, user, id)
) WITHOUT ROWID;
CREATE INDEX express_logout_ended_until ON express_logout_ended (app, user, until);

-- Notifications of ended logins, for the processes that poll. `user`: null if everyone has ended. `ids`: a JSON array of escaped
-- texts. Numbers follow each other without holes, so a reader knows what it has missed.
CREATE TABLE express_logout_ends (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL,
  user TEXT,
  ids TEXT NOT NULL,
  kick TEXT,
  at INTEGER NOT NULL
);
