export default function header(req, res) {
  res.json({ user: req.headers["x-user-id"] ?? null });
}
