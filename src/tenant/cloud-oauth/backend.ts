import { digestOf } from "../assertion.ts";
import { isCloudAuthLoss } from "../auth-loss.ts";
import type { Backend, Credential } from "../backend.ts";
import { isOfCloudSession } from "../cloud-jwt/cookies.ts";
import { cloudParameters } from "../csrf.ts";
import { noHeaders, usersMe } from "../own-request.ts";
import { requestToken, type OauthClient } from "./token.ts";

/** Qlik Cloud by a token that an OAuth client gets in the name of a user; no cookies, no CSRF token. facts §9 */
export function createCloudOauth({
  origin,
  client,
}: {
  readonly origin: string;
  readonly client: OauthClient;
}): Backend {
  const { clientId, clientSecret } = client;
  return {
    kind: "qlik-cloud-oauth",
    storeName: `qlik-cloud-oauth ${origin}`,
    base: "",
    countsSessions: false,
    hidesProduct: false,
    socketOrigin: null,
    parameters: [],
    headers: noHeaders,
    ownedParameters: cloudParameters,
    csrf: null,
    probe: usersMe,
    // With the secret: after it was replaced, nobody waits for what the old one was refused for.
    signer: digestOf(`${clientId}/${digestOf(clientSecret.reveal())}`),
    signIn: (attempt) => requestToken(client, attempt),
    signOut: ({ accessToken }) => ({
      method: "POST",
      path: "/oauth/revoke",
      accept: "application/json",
      standsAlone: true,
      body: JSON.stringify({
        client_id: clientId,
        client_secret: clientSecret.reveal(),
        token: accessToken?.reveal() ?? "",
        token_type_hint: "access_token",
      }),
    }),
    headersOf: ({ accessToken }: Pick<Credential, "accessToken">) => [
      "authorization",
      `Bearer ${accessToken?.reveal() ?? ""}`,
    ],
    isAuthLoss: (answer) => isCloudAuthLoss(answer, origin),
    mayBeUpgradeLoss: (answer) => isCloudAuthLoss(answer, origin),
    isAlive: (answer) => !isCloudAuthLoss(answer, origin),
    // A session cookie beside a token would switch the way of authentication. facts §4
    cookieRole: (name) => (isOfCloudSession(name) ? "unwanted" : "other"),
  };
}
