import { checkOidc, usualScopes } from "../../../identity/oidc/oidc-options.ts";
import { createOidcIdentify } from "../../../identity/oidc/oidc-sign-in.ts";
import { openIdClaims } from "../../../identity/claim-mapping.ts";
import { Secret } from "../../../kernel/secret.ts";
import { isPlainObject } from "../../../options/check-shape.ts";
import { type CheckSource, claimKeys, pickTexts, texts } from "./checked-source.ts";

/** `identity.oidc`: the proxy signs people in itself, at an OpenID provider. */
export const checkOidcSource: CheckSource = (keys, { unsafe }) => {
  const { issuer, clientId, clientSecret, afterLogout } = pickTexts(keys, [
    "issuer",
    "clientId",
    "clientSecret",
    "afterLogout",
  ]);
  const scopes = keys["scopes"] === undefined ? usualScopes : texts(keys["scopes"]);
  const mayBePlain = isPlainObject(unsafe) && unsafe["plainHttpPublic"] === true;
  const found = checkOidc({ issuer, scopes, afterLogout, mayBePlain });
  const problems = found.map(({ path, message }) => ({ path: `identity.oidc.${path}`, message }));
  if (problems.length > 0 || !issuer || !clientId || !clientSecret) return { problems };
  const claims = isPlainObject(keys["claims"]) ? keys["claims"] : {};
  const identify = createOidcIdentify({
    issuer,
    clientId,
    clientSecret: new Secret(clientSecret),
    scopes,
    claims: { ...openIdClaims, ...pickTexts(claims, claimKeys) },
    afterLogout,
    mayBePlain,
  });
  return { identify, problems };
};
