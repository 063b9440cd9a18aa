import { randomId } from "../../../kernel/random.ts";
import { headerValues } from "../../../http/raw-headers.ts";
import { productInfoPath } from "../../../proxy/own/product-info.ts";
import type { TenantProfile } from "../../../server/tenant-profile.ts";
import { sessionCookie } from "../../../tenant/cloud-jwt/cookies.ts";
import { csrfHeader } from "../../../tenant/csrf.ts";
import { objectOf } from "../tenant-calls.ts";
import { learned, type Probing, type ProbeSession } from "./probing.ts";

/** An origin that no web integration lists. */
export const foreignOrigin = "https://doctor.invalid";

/** A POST that only reads. facts §7 */
const harmlessPost = "/api/v1/users/actions/filter";

/** An hour and more: longer than a token may live. facts §1.3 */
const longAgo = 2 * 3_600_000;

const changed = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte));

/** Answers to tokens that are wrong in one way each: facts §13, question 2. */
export async function learnTokens(probing: Probing): Promise<TenantProfile["tokens"]> {
  const own = probing.visit.signingKey;
  const exchange = async (change: Parameters<Probing["token"]>[0]) =>
    learned(await probing.exchange(await probing.token(change)));
  const once = await probing.token();
  await probing.exchange(once);
  return {
    wrongSignature: await exchange({ key: { sign: async (data) => changed(await own.sign(data)) } }),
    unknownIssuer: await exchange({ key: { issuer: `doctor-${randomId(9)}` } }),
    expired: await exchange({ age: longAgo }),
    repeated: learned(await probing.exchange(once)),
    withoutSubType: await exchange({ without: ["subType"] }),
    withoutEmail: await exchange({ without: ["email", "email_verified"] }),
  };
}

/** Cookies with their attributes, never their values: facts §13, questions 1 and 7. */
export async function learnCookies(
  probing: Probing,
  session: ProbeSession,
): Promise<TenantProfile["cookies"]> {
  const answer = await probing.ask("/api/v1/users/me", probing.cookie(session));
  const later = headerValues(answer.headers, "set-cookie").map(nameOf);
  return {
    atLogin: session.setCookies.map(describeCookie).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    onEveryAnswer: [...new Set(later)].filter((name) => name !== sessionCookie).toSorted(),
    sessionIdRotates: later.includes(sessionCookie),
  };
}

const nameOf = (line: string): string =>
  (line.split("=", 1)[0] ?? "").replaceAll(/[^\w.-]/g, "").slice(0, 80);

function describeCookie(line: string): TenantProfile["cookies"]["atLogin"][number] {
  const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
  const find = (name: string): string | undefined =>
    attributes.find((each) => each.toLowerCase().split("=", 1)[0] === name);
  const sameSite = find("samesite")?.split("=")[1]?.toLowerCase();
  return {
    name: nameOf(pair),
    length: pair.length - pair.indexOf("=") - 1,
    path: find("path")?.split("=")[1] ?? null,
    secure: find("secure") !== undefined,
    httpOnly: find("httponly") !== undefined,
    sameSite: (["None", "Lax", "Strict"] as const).find((each) => each.toLowerCase() === sameSite) ?? null,
    lasting: find("expires") !== undefined || find("max-age") !== undefined,
  };
}

/** The form of the CSRF token, and what is said where it is missing: facts §13, questions 6 and 11. */
export async function learnCsrf(probing: Probing, session: ProbeSession): Promise<TenantProfile["csrf"]> {
  const token = await probing.csrfToken(session);
  const alone = probing.cookie(session, [sessionCookie, `${sessionCookie}.sig`]);
  const refused = await probing.ask(harmlessPost, probing.cookie(session), "POST");
  const taken = await probing.ask(harmlessPost, [...alone, csrfHeader, token], "POST");
  return {
    tokenLength: token.length,
    worksWithoutCsrfCookie: taken.status !== 401 && taken.status !== 403,
    refusal: learned(refused),
    codeAtTopLevel: typeof objectOf(refused)["code"] === "string",
  };
}

/** Answers to requests: facts §13, questions 5, 11, 13 and 14. */
export async function learnRest(probing: Probing, session: ProbeSession): Promise<TenantProfile["rest"]> {
  const cookie = probing.cookie(session);
  const items = await probing.ask("/api/v1/items?resourceType=app&limit=1", cookie);
  const { hostname } = new URL(probing.origin);
  return {
    withoutSession: learned(await probing.ask("/api/v1/users/me")),
    pageWithoutSession: (await probing.ask("/single/?appid=doctor")).status,
    foreignOrigin: learned(await probing.ask("/api/v1/users/me", [...cookie, "origin", foreignOrigin])),
    boot: (await probing.ask("/api/v1/boot/core-init", cookie)).status,
    licence: learned(await probing.ask("/api/v1/licenses/allotments/me", cookie)),
    productInfo: (await probing.ask(productInfoPath)).status,
    linksWithPort: items.body.toString("utf8").includes(`${hostname}:`),
    takesOverGroups: await learnGroups(probing, cookie),
  };
}

/** Only where groups are sent anyway: a made-up one would stay in the tenant. */
async function learnGroups(probing: Probing, cookie: readonly string[]): Promise<boolean | null> {
  const { groups = [] } = probing.visit.get("person");
  if (groups.length === 0) return null;
  const { assignedGroups } = objectOf(await probing.ask("/api/v1/users/me", cookie));
  return Array.isArray(assignedGroups) && assignedGroups.length > 0;
}

/** The tenant's limits on sessions, where the user may read them. facts §2.3 */
export async function learnLimits(probing: Probing, session: ProbeSession): Promise<TenantProfile["limits"]> {
  const answer = await probing.ask("/api/core/auth-settings", probing.cookie(session));
  const { userSessionInactivityTimeoutMinutes: idleMinutes, maxUserSessionLifespanMinutes: lifetimeMinutes } =
    objectOf(answer);
  if (answer.status !== 200 || typeof idleMinutes !== "number" || typeof lifetimeMinutes !== "number")
    return null;
  return { idleMinutes, lifetimeMinutes };
}

/** What a log-out says and does: facts §13, question 10. */
export async function learnLogout(probing: Probing, session: ProbeSession): Promise<TenantProfile["logout"]> {
  const cookie = probing.cookie(session);
  const { status } = await probing.logout(session);
  return { status, endsSession: (await probing.ask("/api/v1/users/me", cookie)).status === 401 };
}
