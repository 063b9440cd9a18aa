import { importJWK, type JWTPayload, SignJWT } from "jose";
import { clientId, type OpenIdProvider } from "./openid-provider.ts";
import type { RawAnswer } from "./raw-client.ts";
import type { OidcBrowser, OidcWorld } from "./oidc-world.ts";

export const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";

/** What a sound token says; what a test gives takes its place, and undefined takes it out. */
export function logoutClaims(
  provider: OpenIdProvider,
  changes: Readonly<Record<string, unknown>>,
): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: provider.issuer,
    aud: clientId,
    iat: now,
    exp: now + 120,
    jti: crypto.randomUUID(),
    events: { [logoutEvent]: {} },
    ...changes,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** Signs a token with the provider's own key. */
export async function signedByProvider(
  provider: OpenIdProvider,
  claims: JWTPayload,
  header: Readonly<Record<string, string>> = { typ: "logout+jwt" },
): Promise<string> {
  const key = await importJWK(provider.signingKey, "RS256");
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "idp-1", ...header }).sign(key);
}

/** Sends a form to the back channel, as a machine does: no origin, no metadata, no cookies. */
export function sendOrder(
  { stack }: OidcWorld,
  form: string,
  type = "application/x-www-form-urlencoded",
): Promise<RawAnswer> {
  return stack.get("/_session/backchannel-logout", {
    method: "POST",
    user: null,
    headers: { "content-type": type, "sec-fetch-site": [] },
    body: form,
  });
}

/** Sends a token. */
export const orderLogout = (world: OidcWorld, token: string): Promise<RawAnswer> =>
  sendOrder(world, new URLSearchParams({ logout_token: token }).toString());

/** Logs a person out at the provider itself, which tells the proxy over the back channel. */
export async function logOutAtProvider(browser: OidcBrowser, { issuer }: OpenIdProvider): Promise<void> {
  const page = await browser.open(`${issuer}/session/end`);
  const [, xsrf = ""] = /name="xsrf" value="([^"]+)"/.exec(page.text) ?? [];
  await browser.open(`${issuer}/session/end/confirm`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ xsrf, logout: "yes" }).toString(),
  });
}
