-- Lifetimes of logins.
--
-- `lasts_until`: when the login ends however active it is, null: not at all. `idle_ms`: how long it lasts after `last_active`, null:
-- unlimited. `expires` stays the time until which the login is kept, which may be later: until then its end has a reason.
-- `shown_until` is never later than the end.
ALTER TABLE express_logout_logins ADD COLUMN lasts_until INTEGER;
ALTER TABLE express_logout_logins ADD COLUMN idle_ms INTEGER;
ALTER TABLE express_logout_kicked ADD COLUMN lasts_until INTEGER;
ALTER TABLE express_logout_kicked ADD COLUMN idle_ms INTEGER;
