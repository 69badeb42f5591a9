import { promisify } from "node:util";

export default async function login(req, res) {
  await promisify((done) => req.session.regenerate(done))();
  req.session.userId = req.body.user;
  await promisify((done) => req.session.save(done))();
  res.redirect(303, "/me");
}
