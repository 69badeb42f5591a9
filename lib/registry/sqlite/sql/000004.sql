-- A kick may spare several logins, and a kick of everyone spares logins too.
--
-- `kept`: what the kick in `kick_id` has spared, in JSON: `of`, the id of that kick, and `logins`, pairs of a login and the kicks of
-- everyone that have spared it. It counts only if `of` is the user's last kick: releases before do not write it. `spared` is what they
-- have written: one login, spared by no kick of everyone.
ALTER TABLE express_logout_users ADD COLUMN kept TEXT;
