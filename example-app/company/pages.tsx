import { LoginForm, page } from "../views.js";

/** The form of oidc-provider has no button; this names the form. */
const LOGOUT_FORM = "op.logoutForm";

export function companyLoginPage({ action, failed }: { action: string; failed: boolean }): string {
  return page({
    title: "Log in",
    brand: "The company",
    children: (
      <>
        <LoginForm action={action} failed={failed} />
        <p class="lead">The accounts are those of the shop.</p>
      </>
    ),
  });
}

/** Asks before the company's session ends: another site may have sent the browser here. */
export function companyLogoutPage(form: string, shopUrl: string): string {
  return page({
    title: "Log out?",
    brand: "The company",
    children: (
      <>
        <div dangerouslySetInnerHTML={{ __html: form }} />
        <p>
          <button type="submit" form={LOGOUT_FORM} name="logout" value="yes">
            Log out
          </button>{" "}
          <a href={shopUrl}>Cancel</a>
        </p>
      </>
    ),
  });
}

export function loggedOutPage(shopUrl: string): string {
  return page({
    title: "You are logged out",
    brand: "The company",
    children: (
      <p>
        <a href={shopUrl}>The shop</a> has logged you out as well.
      </p>
    ),
  });
}
