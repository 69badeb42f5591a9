-- The history: audit entries for `auth.listHistory()`.
--
-- Processes of the releases before keep none.

-- `mark`, `login_ids`, `logins`: of an end, the kick record, the logins that it has ended, and how many they are. `entry`: of everything
-- else, the audit entry in JSON. `user_key`, `user_id`: null if it is about no single user.
CREATE TABLE express_logout_history (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  app text NOT NULL,
  id text NOT NULL,
  user_key bytea,
  user_id text,
  at timestamptz NOT NULL,
  mark text,
  login_ids text[],
  logins integer,
  entry text
);
-- What a kick ends of one user, in several steps, is one entry.
CREATE UNIQUE INDEX express_logout_history_end ON express_logout_history (app, id, user_key) WHERE mark IS NOT NULL;
CREATE INDEX express_logout_history_number ON express_logout_history (app, number);
CREATE INDEX express_logout_history_user ON express_logout_history (app, user_key, number);
CREATE INDEX express_logout_history_at ON express_logout_history (app, at);

CREATE OR REPLACE FUNCTION express_logout_keep_entry(the_deadline double precision, the_app text, the_id text, the_user bytea,
  the_user_id text, the_time double precision, the_entry text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_in_time(the_deadline);
  INSERT INTO express_logout_history (app, id, user_key, user_id, at, entry)
  VALUES (the_app, the_id, the_user, the_user_id, to_timestamp(the_time / 1000), the_entry);
END $$;

-- Keeps the end of logins, within the step that has ended them. `the_logins`: what the step returned; of these, only the ones that it has
-- itself moved to the kicked logins, which this transaction has written. A kick of everyone has an entry of its own.
CREATE OR REPLACE FUNCTION express_logout_keep_end(the_deadline double precision, the_app text, the_user bytea, the_mark text,
  the_logins express_logout_logins[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  its_id text := substring(the_mark FROM '^\{"id":"((?:[^"\\]|\\.)*)"');
  its_logins text[];
BEGIN
  IF the_mark IS NULL OR EXISTS (SELECT FROM express_logout_apps WHERE app = the_app AND mark_id = its_id) THEN RETURN; END IF;
  its_logins := ARRAY(SELECT k.id FROM express_logout_kicked k JOIN unnest(the_logins) l ON l.key = k.key
    WHERE k.xmin = (txid_current() % 4294967296)::text::xid);
  IF cardinality(its_logins) = 0 THEN RETURN; END IF;
  INSERT INTO express_logout_history AS h (app, id, user_key, user_id, at, mark, login_ids, logins)
  SELECT the_app, its_id, the_user, user_id,
    to_timestamp(substring(the_mark FROM '^\{"id":".*","at":(-?[0-9]+)[,}]')::double precision / 1000), the_mark, its_logins,
    cardinality(its_logins)
  FROM express_logout_users WHERE app = the_app AND key = the_user
  ON CONFLICT (app, id, user_key) WHERE mark IS NOT NULL DO UPDATE
    SET login_ids = h.login_ids || excluded.login_ids, logins = h.logins + excluded.logins;
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_trim_history(the_deadline double precision, the_app text, the_days double precision,
  the_most double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM express_logout_in_time(the_deadline);
  DELETE FROM express_logout_history WHERE app = the_app AND at < now() - the_days * interval '1 day';
  DELETE FROM express_logout_history WHERE app = the_app AND number <= (
    SELECT number FROM express_logout_history WHERE app = the_app ORDER BY number DESC LIMIT 1 OFFSET the_most::bigint);
  PERFORM express_logout_in_time(the_deadline);
END $$;

CREATE OR REPLACE FUNCTION express_logout_schema(OUT version integer, OUT serves integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT 4, 1
$$;
