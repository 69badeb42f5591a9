-- The history: audit entries for `auth.listHistory()`.
--
-- `kick`, `ids`, `logins`: of an end, the kick record, the logins that it has ended as a JSON array of escaped texts, and how many they
-- are. `entry`: of everything else, the audit entry in JSON. `user`: null if it is about no single user.
CREATE TABLE express_logout_history (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL,
  id TEXT NOT NULL,
  user TEXT,
  at INTEGER NOT NULL,
  kick TEXT,
  ids TEXT,
  logins INTEGER,
  entry TEXT
);
-- What a kick ends of one user, in several steps, is one entry.
CREATE UNIQUE INDEX express_logout_history_end ON express_logout_history (app, id, user) WHERE kick IS NOT NULL;
CREATE INDEX express_logout_history_number ON express_logout_history (app, number);
CREATE INDEX express_logout_history_user ON express_logout_history (app, user, number);
CREATE INDEX express_logout_history_at ON express_logout_history (app, at);
