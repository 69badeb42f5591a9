// The floor of a kick: the sessions are known, and deleted in one pipeline or one transaction, or each by the session store.
import { promisify } from "node:util";
import express from "express";
import { runArm } from "../support/arm.mjs";
import { openPlace, placeOf } from "../support/places.mjs";

/** How the sessions of a place are deleted at once. */
const DELETES = {
  redis:
    ({ client }, { prefix }) =>
    (sids) =>
      Promise.all(sids.map((sid) => client.del(`${prefix}sessions:${sid}`))),
  sqlite: ({ database }) => {
    const deleteOne = database.prepare("DELETE FROM sessions WHERE sid = ?");
    return (sids) => {
      database.exec("BEGIN IMMEDIATE");
      for (const sid of sids) deleteOne.run(sid);
      database.exec("COMMIT");
    };
  },
};

await runArm(async (settings) => {
  const place = await openPlace(settings);
  const destroy = promisify((sid, done) => place.store.destroy(sid, done));
  return {
    app: express(),
    deleteAll: DELETES[placeOf(settings)](place, settings),
    destroyEach: (sids) => Promise.all(sids.map((sid) => destroy(sid))),
  };
});
