import { SessionProxyError } from "../../errors.ts";
import { checkIdentity } from "../checked-identity.ts";
import { type ClaimNames, mapClaims } from "../claim-mapping.ts";
import type { Identity } from "../identity.ts";

/** Who a provider's claims say a person is. @throws SessionProxyError `QSP-IDENTITY` where they do not make an identity */
export function identityIn(claims: Readonly<Record<string, unknown>>, names: ClaimNames): Identity {
  const mapped = mapClaims(claims, names);
  if ("problem" in mapped) throw unusable(mapped.problem);
  const overage = overageIn(claims, names.groups);
  if (overage !== null) throw unusable(overage);
  // A session id of ours takes the place of the provider's.
  const { sessionId: _, ...identity } = mapped.identity;
  try {
    return checkIdentity(identity) ?? identity;
  } catch (cause) {
    throw unusable(cause instanceof TypeError ? cause.message : "no identity", cause);
  }
}

const unusable = (problem: string, cause?: unknown): SessionProxyError =>
  new SessionProxyError("QSP-IDENTITY", { reason: `the provider's claims: ${problem}`, cause });

/** A provider that has too many groups for a token names a place to fetch them: without them, other data would be shown. */
function overageIn(claims: Readonly<Record<string, unknown>>, groups: string): string | null {
  const names = claims["_claim_names"];
  const isElsewhere = typeof names === "object" && names !== null && Object.hasOwn(names, groups);
  return isElsewhere
    ? `"${groups}" is too long for a token and kept elsewhere; let the provider send the groups that the tenant uses only`
    : null;
}
