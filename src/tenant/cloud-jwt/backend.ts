import { signingKeyDigest, type AssertionKey } from "../assertion.ts";
import { isCloudAuthLoss } from "../auth-loss.ts";
import type { Backend } from "../backend.ts";
import { cloudParameters, csrfRequest } from "../csrf.ts";
import { noHeaders, usersMe } from "../own-request.ts";
import { cookieRole, csrfCookie } from "./cookies.ts";
import { logIn } from "./login.ts";

/** Qlik Cloud by a signed token that is exchanged for cookies. facts §1, §2 */
export function createCloudJwt({
  origin,
  signingKey,
}: {
  readonly origin: string;
  readonly signingKey: AssertionKey;
}): Backend {
  return {
    kind: "qlik-cloud-jwt",
    // As it has been since there was one kind only: sessions in stores stay where they are.
    storeName: origin,
    base: "",
    countsSessions: false,
    hidesProduct: false,
    socketOrigin: null,
    parameters: [],
    headers: noHeaders,
    ownedParameters: cloudParameters,
    csrf: { request: csrfRequest, inRequests: true, cookie: csrfCookie },
    probe: usersMe,
    signer: signingKeyDigest(signingKey),
    signIn: (attempt) => logIn(signingKey, attempt),
    // As a browser would. facts §2.4
    signOut: () => ({ method: "GET", path: "/logout", accept: "*/*" }),
    headersOf: () => noHeaders,
    isAuthLoss: (answer) => isCloudAuthLoss(answer, origin),
    mayBeUpgradeLoss: (answer) => isCloudAuthLoss(answer, origin),
    isAlive: (answer) => !isCloudAuthLoss(answer, origin),
    cookieRole,
  };
}
