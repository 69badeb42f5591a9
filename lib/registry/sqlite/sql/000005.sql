-- External keys: logins that are bound to keys, and marks of keys whose logins have ended.
--
-- `since`, `before`: when the user authenticated, and up to which time the logins of a key have ended, in seconds by the clock of the
-- issuer. `since` is null if that is unknown.
CREATE TABLE express_logout_bound (
  app TEXT NOT NULL,
  key TEXT NOT NULL,
  user TEXT NOT NULL,
  id TEXT NOT NULL,
  since REAL,
  until INTEGER NOT NULL,
  PRIMARY KEY (app, key, user, id)
) WITHOUT ROWID;
CREATE INDEX express_logout_bound_until ON express_logout_bound (app, until);

CREATE TABLE express_logout_key_marks (
  app TEXT NOT NULL,
  key TEXT NOT NULL,
  before REAL NOT NULL,
  kick TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (app, key)
) WITHOUT ROWID;
CREATE INDEX express_logout_key_marks_until ON express_logout_key_marks (app, until);
