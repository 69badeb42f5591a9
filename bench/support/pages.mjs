/** The pages that every arm on express-session has, so that arms differ in nothing but what is measured. */
export function addPages(app) {
  app.get("/log-in", (req, res) => {
    req.session.userId = req.query.user;
    res.end();
  });
  app.get("/log-in-anew", (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.userId = req.query.user;
      res.end();
    });
  });
  app.get("/visit", (req, res) => {
    req.session.visits = 1;
    res.end();
  });
  app.get("/me", (req, res) => {
    res.end(req.session.userId ?? "anonymous");
  });
  app.get("/write", (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.end(req.session.userId);
  });
}

/** What users of express-session do today: look through every session for those of a user. */
export async function destroySessionsOf(store, isTheirs) {
  const all = await new Promise((resolve, reject) => {
    store.all((error, sessions) => (error ? reject(error) : resolve(sessions)));
  });
  const sessions = Array.isArray(all) ? all.map(({ id, ...data }) => [id, data]) : Object.entries(all);
  let destroyed = 0;
  for (const [sid, data] of sessions) {
    if (!isTheirs(data)) continue;
    await new Promise((resolve, reject) => store.destroy(sid, (error) => (error ? reject(error) : resolve())));
    destroyed += 1;
  }
  return destroyed;
}
