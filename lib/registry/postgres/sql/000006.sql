-- External keys: logins that are bound to keys, and marks of keys whose logins have ended.
--
-- Processes of the releases before bind none.
--
-- Each step takes the lock of its key, and no other: a bind that commits before a mark is among the rows that are read after it, and one
-- that commits later has seen it.

-- `key`: digest of application and key. `login`: digest of application, user and login. `since`: when the user authenticated, in seconds by
-- the clock of the issuer; null: unknown.
CREATE TABLE express_logout_bound (
  key bytea NOT NULL,
  login bytea NOT NULL,
  app text NOT NULL,
  user_id text NOT NULL,
  id text NOT NULL,
  since numeric,
  until timestamptz NOT NULL,
  PRIMARY KEY (key, login)
);
CREATE INDEX express_logout_bound_until ON express_logout_bound (app, until);

-- `before`: logins with `since` up to it have ended. `mark`: the kick record in JSON.
CREATE TABLE express_logout_key_marks (
  key bytea PRIMARY KEY,
  app text NOT NULL,
  before numeric NOT NULL,
  mark text NOT NULL,
  until timestamptz NOT NULL
);
CREATE INDEX express_logout_key_marks_until ON express_logout_key_marks (app, until);

CREATE OR REPLACE FUNCTION express_logout_lock_key(the_deadline double precision, the_key bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_in_time(the_deadline);
  PERFORM pg_advisory_xact_lock(hashtextextended(encode(the_key, 'hex'), 3));
END $$;

-- Binds a login, and returns the record of a mark that applies to it. `greatest` ignores nulls.
CREATE OR REPLACE FUNCTION express_logout_bind_key(the_deadline double precision, the_app text, the_key bytea, the_login bytea,
  the_user_id text, the_id text, the_since numeric, the_ttl double precision, OUT its_mark text) LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
  its_since numeric;
BEGIN
  PERFORM express_logout_lock_key(the_deadline, the_key);
  at := clock_timestamp();
  INSERT INTO express_logout_bound AS b (key, login, app, user_id, id, since, until)
  VALUES (the_key, the_login, the_app, the_user_id, the_id, the_since, at + the_ttl * interval '1 millisecond')
  ON CONFLICT (key, login) DO UPDATE SET
    since = CASE WHEN b.until > at THEN greatest(b.since, excluded.since) ELSE excluded.since END,
    until = greatest(b.until, excluded.until)
  RETURNING b.since INTO its_since;
  SELECT mark INTO its_mark FROM express_logout_key_marks WHERE key = the_key AND until > at AND before >= its_since;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_mark_key(the_deadline double precision, the_app text, the_key bytea, the_before numeric,
  the_mark text, the_ttl double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz;
BEGIN
  PERFORM express_logout_lock_key(the_deadline, the_key);
  at := clock_timestamp();
  DELETE FROM express_logout_key_marks WHERE key = the_key AND until <= at;
  INSERT INTO express_logout_key_marks AS m (key, app, before, mark, until)
  VALUES (the_key, the_app, the_before, the_mark, at + the_ttl * interval '1 millisecond')
  ON CONFLICT (key) DO UPDATE SET
    mark = CASE WHEN excluded.before >= m.before THEN excluded.mark ELSE m.mark END,
    before = greatest(m.before, excluded.before), until = excluded.until;
  PERFORM express_logout_in_time(the_deadline);
END $$;

-- `the_logins`, `the_times`: the rows, each with its `since`. A row with a later one stays.
CREATE OR REPLACE FUNCTION express_logout_drop_bound(the_deadline double precision, the_key bytea, the_logins bytea[],
  the_times numeric[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_lock_key(the_deadline, the_key);
  DELETE FROM express_logout_bound b USING unnest(the_logins, the_times) AS dropped (login, since)
  WHERE b.key = the_key AND b.login = dropped.login AND (b.since IS NULL OR b.since <= dropped.since);
  PERFORM express_logout_in_time(the_deadline);
END $$;

-- Deletes rows and marks that have expired, at most so many of each, except those on which a step is running. Returns how many of what
-- it has deleted most.
CREATE OR REPLACE FUNCTION express_logout_sweep_keys(the_deadline double precision, the_app text, most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  rows_swept integer;
  marks_swept integer;
BEGIN
  PERFORM express_logout_in_time(the_deadline);
  WITH expired AS (
    SELECT key, login FROM express_logout_bound WHERE app = the_app AND until <= now() LIMIT most FOR UPDATE SKIP LOCKED)
  DELETE FROM express_logout_bound b USING expired e WHERE b.key = e.key AND b.login = e.login;
  GET DIAGNOSTICS rows_swept = ROW_COUNT;
  WITH expired AS (
    SELECT key FROM express_logout_key_marks WHERE app = the_app AND until <= now() LIMIT most FOR UPDATE SKIP LOCKED)
  DELETE FROM express_logout_key_marks m USING expired e WHERE m.key = e.key;
  GET DIAGNOSTICS marks_swept = ROW_COUNT;
  PERFORM express_logout_in_time(the_deadline);
  RETURN greatest(rows_swept, marks_swept);
END $$;

CREATE OR REPLACE FUNCTION express_logout_schema(OUT version integer, OUT serves integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT 6, 1
$$;
