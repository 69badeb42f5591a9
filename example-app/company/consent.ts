import type { Grant, KoaContextWithOIDC } from "oidc-provider";

/** For `loadExistingGrant` of oidc-provider: its apps belong to the company, so users need not consent. */
export async function consentToOwnApps({
  oidc: { provider, client, session },
}: KoaContextWithOIDC): Promise<Grant | undefined> {
  if (client === undefined || session?.accountId === undefined) return undefined;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope("openid");
  await grant.save();
  return grant;
}
