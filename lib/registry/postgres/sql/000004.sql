-- A placeholder.

CREATE OR REPLACE FUNCTION express_logout_schema(OUT version integer, OUT serves integer) LANGUAGE sql IMMUTABLE AS $$
  SELECT 4, 1
$$;
