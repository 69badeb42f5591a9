export default function me(req, res) {
  res.json({ user: req.session.userId ?? null });
}
