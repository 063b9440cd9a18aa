import type { OptionProblem } from "../../../errors.ts";
import { createBearerIdentify } from "../../../identity/bearer.ts";
import { type ClaimNames, openIdClaims } from "../../../identity/claim-mapping.ts";
import { createFixedKeySet, createRemoteKeySet, type KeySet } from "../../../identity/key-set.ts";
import { readPublicKey } from "../../../identity/public-key.ts";
import { headerNameProblem } from "../../../identity/trusted-header.ts";
import { systemClock } from "../../../kernel/clock.ts";
import { isPlainObject } from "../../../options/check-shape.ts";
import { restoreLineBreaks } from "../../../options/signing-key.ts";
import { type CheckSource, claimKeys, pickTexts } from "./checked-source.ts";
import { isLoopback, parseUrl } from "./source-url.ts";

const at = (key: string): string => `identity.bearer.${key}`;

/** Between two questions for unknown keys. Milliseconds; as the schema says. */
const usualCooldown = 30_000;

/** `identity.bearer`: a signed token that comes with each request. */
export const checkBearerSource: CheckSource = (keys, tree) => {
  const { issuer, audience } = pickTexts(keys, ["issuer", "audience"]);
  const place = placeOf(keys);
  const keySet = keySetOf(keys, tree);
  const problems = [
    ...("problems" in place ? place.problems : []),
    ...("problems" in keySet ? keySet.problems : []),
  ];
  if ("problems" in place || "problems" in keySet || issuer === undefined || audience === undefined)
    return { problems };
  const identify = createBearerIdentify({
    place,
    keys: keySet,
    issuer,
    audience,
    claims: toClaimNames(keys["claims"]),
  });
  return { identify, headerNames: "header" in place ? [place.header] : [], problems: [] };
};

type Problems = { readonly problems: readonly OptionProblem[] };

/** Where the token is; the header Authorization by default. */
function placeOf(
  keys: Readonly<Record<string, unknown>>,
): Parameters<typeof createBearerIdentify>[0]["place"] | Problems {
  const { header, cookie } = pickTexts(keys, ["header", "cookie"]);
  if (header !== undefined && cookie !== undefined)
    return { problems: [{ path: at("cookie"), message: "is given beside header: a token has one place" }] };
  if (cookie !== undefined) {
    const isName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(cookie);
    return isName
      ? { cookie }
      : { problems: [{ path: at("cookie"), message: "is not the name of a cookie" }] };
  }
  const name = (header ?? "Authorization").toLowerCase();
  const problem =
    name === "cookie" ? "is the header of all cookies: name one with cookie" : headerNameProblem(name);
  return problem === null ? { header: name } : { problems: [{ path: at("header"), message: problem }] };
}

function keySetOf(
  keys: Readonly<Record<string, unknown>>,
  tree: Readonly<Record<string, unknown>>,
): KeySet | Problems {
  const { jwksUrl, publicKey, publicKeyFile } = pickTexts(keys, ["jwksUrl", "publicKey", "publicKeyFile"]);
  const hasKey = publicKey !== undefined || publicKeyFile !== undefined;
  if (jwksUrl === undefined && !hasKey)
    return {
      problems: [
        {
          path: at("jwksUrl"),
          message: "is missing (or publicKeyFile): nothing says which signatures count",
        },
      ],
    };
  const published = jwksUrl === undefined ? undefined : publishedKeys(jwksUrl, keys, tree);
  const fixed = publicKey === undefined ? undefined : fixedKey(publicKey);
  const problems = [published, fixed].flatMap((each) => (each && "problems" in each ? each.problems : []));
  if (published !== undefined && hasKey)
    problems.push({
      path: at("jwksUrl"),
      message: "is given beside a public key: tokens are checked with one or the other",
    });
  // A file that cannot be read is a problem of its own.
  const keySet = published ?? fixed ?? { problems };
  return problems.length > 0 ? { problems } : keySet;
}

function publishedKeys(
  jwksUrl: string,
  keys: Readonly<Record<string, unknown>>,
  tree: Readonly<Record<string, unknown>>,
): KeySet | Problems {
  const problem = (message: string): Problems => ({ problems: [{ path: at("jwksUrl"), message }] });
  const url = parseUrl(jwksUrl);
  if (url === null) return problem("must be an address such as https://idp.example.com/jwks");
  if (url.protocol !== "https:" && !isLoopback(url) && !isUnsafe(tree))
    return problem("must be https: whoever can change what it says can sign in as anybody");
  const cooldown = typeof keys["jwksCooldown"] === "number" ? keys["jwksCooldown"] : usualCooldown;
  return createRemoteKeySet({ name: at("jwksUrl"), url, clock: systemClock, cooldown });
}

function fixedKey(pem: string): KeySet | Problems {
  const key = readPublicKey(restoreLineBreaks(pem));
  return "problem" in key
    ? { problems: [{ path: at("publicKey"), message: key.problem }] }
    : createFixedKeySet(key);
}

const isUnsafe = ({ unsafe }: Readonly<Record<string, unknown>>): boolean =>
  isPlainObject(unsafe) && unsafe["plainHttpPublic"] === true;

const toClaimNames = (claims: unknown): ClaimNames => ({
  ...openIdClaims,
  ...pickTexts(isPlainObject(claims) ? claims : {}, claimKeys),
});
