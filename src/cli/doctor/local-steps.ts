import { createPublicKey, verify, KeyObject } from "node:crypto";
import { type OptionProblem, OptionsError } from "../../errors.ts";
import { systemClock } from "../../kernel/clock.ts";
import { resolveOptions } from "../../options/session-proxy-options.ts";
import type { SigningKeyOptions } from "../../options/signing-key.ts";
import { optionsForOne } from "../../options/several-tenants.ts";
import { loadServerConfig } from "../../server/config/load.ts";
import { signAssertion } from "../../tenant/assertion.ts";
import { type Claims, type ClaimSource, toClaims } from "../../tenant/claims.ts";
import { createUpstream } from "../../upstream/upstream.ts";
import { failed, type Finding, passed, type Step, warned } from "./step.ts";
import type { Questions, Visit } from "./visit.ts";

const asLines = (problems: readonly OptionProblem[]): string =>
  problems.map(({ path, message }) => `${path}: ${message}`).join("\n");

const isAboutKeys = ({ path }: OptionProblem): boolean => /^tenant(?:s\[\d+\])?\.signingKeys/.test(path);

/** Reads the configuration as `serve` does. Problems with keys are the next step's. */
function configuration(visit: Visit): Finding {
  const { sources } = visit.questions;
  try {
    const { config, warnings } = loadServerConfig(sources);
    const own = optionsForOne(config.options, visit.questions.tenant);
    const options = resolveOptions(own);
    const { tenant, timeouts, upstream } = options;
    visit.note("config", { ...config, options: own });
    visit.note("options", options);
    visit.note("warnings", warnings);
    const { origin, ca, backend } = tenant;
    visit.note("upstream", createUpstream({ origin, base: backend.base, ca, timeouts, ...upstream }));
    visit.note("person", toPerson(visit.questions, options.publicOrigin));
    const others = warnings.filter((warning) => !isAboutKeys(warning));
    const name = sources.file ?? "the configuration";
    if (others.length === 0) return passed(`${name} is right`);
    return warned("wrong-configuration", asLines(others), "Works as it is; think about what is listed.");
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const others = error.problems.filter((problem) => !isAboutKeys(problem));
    visit.note("keyProblems", error.problems.filter(isAboutKeys));
    return others.length > 0
      ? failed("wrong-configuration", asLines(others))
      : passed("nothing is wrong but the keys");
  }
}

/** A user of our own where nobody is named: its subject is an address, which the tenant also asks for. */
function toPerson({ person }: Questions, publicOrigin: string | undefined): ClaimSource {
  const host = publicOrigin === undefined ? "example.invalid" : new URL(publicOrigin).hostname;
  return { ...person, subject: person.subject ?? `qlik-session-proxy-doctor@${host}` };
}

/** The key that signs, its certificate and its id. */
function key(visit: Visit): Finding {
  const problems = visit.find("keyProblems") ?? [];
  if (problems.length > 0) return failed("wrong-key", asLines(problems));
  const signing = configuredKey(visit);
  const { alg, keyId, issuer } = visit.signingKey;
  const own = signing?.privateKey;
  const bits = own instanceof KeyObject ? own.asymmetricKeyDetails?.modulusLength : undefined;
  const size = bits === undefined ? alg : `${alg}, ${bits} bits`;
  const belongs =
    signing?.certificate === undefined
      ? "no certificateFile is named, so that it was not compared"
      : "belongs to its certificate";
  const found = `${size}, key id ${keyId}, issuer ${issuer}; ${belongs}`;
  const readable = visit.get("warnings").filter(isAboutKeys);
  return readable.length === 0 ? passed(found) : warned("readable-secret", `${found}\n${asLines(readable)}`);
}

/** The same as the configuration has it. */
function configuredKey(visit: Visit): SigningKeyOptions | undefined {
  return visit.get("config").options.tenant.signingKeys?.[0];
}

/** A token's claims, ours and those of every JWT. */
type TokenClaims = Claims & Readonly<Record<"iss" | "aud" | "jti" | "nbf" | "exp", unknown>>;

const claimsOf = (payload: string | undefined): TokenClaims =>
  JSON.parse(Buffer.from(payload ?? "", "base64url").toString("utf8")) as TokenClaims;

/** Makes a token as a login would, and reads it as the tenant does. facts §1.3 */
async function claims(visit: Visit): Promise<Finding> {
  const token = await signAssertion(visit.signingKey, toClaims(visit.get("person")), systemClock);
  const [header, payload, signature] = token.split(".");
  const found = claimsOf(payload);
  const problems = [
    ...["sub", "name", "jti", "iss", "aud", "nbf", "exp"].filter((name) => !(name in found)),
    ...(Number(found.exp) - Number(found.nbf) > 3600 ? ["exp is more than 3600 s after nbf"] : []),
    ...(isSignedBy(visit, `${header}.${payload}`, signature) ? [] : ["the signature does not verify"]),
  ];
  if (problems.length > 0) return failed("wrong-claims", problems.join(", "));
  const groups = found.groups === undefined ? "" : `, groups ${found.groups.join(" and ")}`;
  const summary = `sub ${found.sub}, name ${found.name}, email ${found.email ?? "none"}${groups}`;
  return found.email === undefined
    ? warned("missing-user-claim", `${summary}: Qlik Cloud documents the e-mail as required`)
    : passed(summary);
}

function isSignedBy(visit: Visit, signed: string, signature: string | undefined): boolean {
  const { alg } = visit.signingKey;
  const own = configuredKey(visit)?.privateKey;
  // A signer outside this process shows no key to compare with.
  if (!(own instanceof KeyObject)) return true;
  const publicKey = { key: createPublicKey(own), dsaEncoding: "ieee-p1363" as const };
  const bytes = Buffer.from(signature ?? "", "base64url");
  return verify(`sha${alg.slice(2)}`, Buffer.from(signed), publicKey, bytes);
}

/** What can be said without a connection. */
export const localSteps: readonly Step[] = [
  { name: "configuration", needs: [], run: configuration },
  { name: "key", needs: ["configuration"], kinds: ["qlik-cloud-jwt", "qlik-sense-jwt"], run: key },
  { name: "claims", needs: ["key"], kinds: ["qlik-cloud-jwt"], run: claims },
];
