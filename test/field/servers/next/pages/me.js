import { createElement } from "react";

export default function Me({ user }) {
  return createElement("h1", null, user === null ? "Welcome" : `Hello ${user}`);
}

export function getServerSideProps({ req }) {
  return { props: { user: req.session.userId ?? null } };
}
