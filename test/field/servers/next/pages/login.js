import { createElement } from "react";

export default function Login() {
  const field = createElement("input", { name: "user" });
  return createElement(
    "form",
    { method: "post", action: "/api/login" },
    field,
    createElement("button", null, "Log in"),
  );
}
