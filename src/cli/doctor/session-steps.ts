import { SessionProxyError } from "../../errors.ts";
import { firstHeader, headerValues } from "../../http/raw-headers.ts";
import { systemClock } from "../../kernel/clock.ts";
import { createTenantAccess, type TenantAccess } from "../../session/tenant-access.ts";
import { toClaims } from "../../tenant/claims.ts";
import { sessionCookie } from "../../tenant/cookies.ts";
import { refusesCsrf } from "../../tenant/csrf.ts";
import { isAuthLoss } from "../../tenant/auth-loss.ts";
import type { TenantAnswer, TenantCall } from "../../tenant/port.ts";
import { diagnoseLogin, holdsJoinedCookies } from "./login-refusal.ts";
import { failed, type Finding, passed, skipped, type Step, warned } from "./step.ts";
import { askSignedIn, lane, listeningCall, objectOf, shownAnswer } from "./tenant-calls.ts";
import type { Visit } from "./visit.ts";

function accessOver(visit: Visit, call: TenantCall): TenantAccess {
  const { tenant, timeouts, unsafe } = visit.get("options");
  const { hostname, protocol } = new URL(tenant.origin);
  return createTenantAccess({
    clock: systemClock,
    origin: tenant.origin,
    signingKey: tenant.signingKeys[0],
    place: { host: hostname, secure: protocol === "https:" || unsafe.plainHttpTenant },
    timeout: timeouts.login,
    callFor: () => call,
  });
}

/** Signs in as `serve` does, with the same code. */
async function login(visit: Visit): Promise<Finding> {
  const { call, last } = listeningCall(visit);
  const startedAt = performance.now();
  try {
    const owner = { key: lane, subjectHash: lane };
    const claims = toClaims(visit.get("person"));
    visit.note("session", await accessOver(visit, call).login(owner, claims, 1));
    visit.note("loginCookies", headerValues(last()?.headers ?? [], "set-cookie"));
    return passed(`signed in ${claims.sub} in ${Math.round(performance.now() - startedAt)} ms`);
  } catch (error) {
    if (!(error instanceof SessionProxyError)) throw error;
    return diagnoseLogin(visit, error, last());
  }
}

/** Which cookies came; names only. facts §2.2 */
function cookies(visit: Visit): Finding {
  const lines = visit.get("loginCookies");
  const names = lines.map((line) => line.split("=", 1)[0] ?? "");
  const found = `${names.toSorted().join(", ")} in ${lines.length} lines`;
  if (holdsJoinedCookies(lines) || !names.includes(`${sessionCookie}.sig`))
    return failed("damaged-cookies", found);
  return passed(found);
}

async function csrf(visit: Visit): Promise<Finding> {
  const { call, last } = listeningCall(visit);
  const token = await accessOver(visit, call).csrfToken(lane, visit.get("session"));
  const answer = last();
  const found = `GET /api/v1/csrf-token answers ${answer === undefined ? "nothing" : shownAnswer(answer)}`;
  if (answer !== undefined && isLost(visit, answer)) return failed("session-lost", found);
  if (token === "") return failed("no-csrf-token", found);
  visit.note("csrfToken", token);
  return passed(`${found} with a token`);
}

const isLost = (visit: Visit, answer: TenantAnswer): boolean =>
  isAuthLoss(answer, visit.get("options").tenant.origin);

/** Headers that say that an answer was kept by somebody on the way. @see RFC 9111 §5.1, RFC 9211 */
export function cacheMarkOf(headers: readonly string[]): string | null {
  const age = firstHeader(headers, "age");
  if (age !== undefined && age !== "0") return `Age: ${age.slice(0, 12)}`;
  const marks = ["x-cache", "cf-cache-status", "cache-status"];
  const hit = marks.find((name) => /\bhit\b/i.test(firstHeader(headers, name) ?? ""));
  return hit === undefined ? null : `${hit}: hit`;
}

/** Asks who the session belongs to. */
async function rest(visit: Visit): Promise<Finding> {
  const answer = await askSignedIn(visit, "/api/v1/users/me");
  const found = `GET /api/v1/users/me answers ${shownAnswer(answer)}`;
  if (isLost(visit, answer)) return failed("session-lost", found);
  if (answer.status >= 500) return failed("tenant-down", found);
  if (answer.status === 429) return failed("login-throttled", found);
  if (answer.status !== 200) return failed("rest-refused", found);
  const mark = cacheMarkOf(answer.headers);
  if (mark !== null) return failed("shared-cache", `${found}, with ${mark}`);
  const user = objectOf(answer);
  visit.note("user", user);
  if (user["subject"] !== visit.get("person").subject) return failed("other-user", found);
  return passed(`${found}: the subject is the one that was signed in`);
}

/** A POST that only reads (facts §7), sent for what the tenant says of its token. */
async function write(visit: Visit): Promise<Finding> {
  const csrfToken = visit.get("csrfToken");
  const answer = await askSignedIn(visit, "/api/v1/users/actions/filter", { method: "POST", csrfToken });
  const found = `POST /api/v1/users/actions/filter answers ${shownAnswer(answer)}`;
  if (answer.status === 403 && refusesCsrf(answer.body)) return failed("csrf-refused", found);
  if (isLost(visit, answer)) return failed("session-lost", found);
  if (answer.status >= 500) return failed("tenant-down", found);
  return passed(`${found}: the token was taken`);
}

function groups(visit: Visit): Finding {
  const sent = visit.get("person").groups ?? [];
  if (sent.length === 0) return skipped("no groups were sent; --group NAME sends some");
  const assigned = visit.get("user")["assignedGroups"];
  const names = (Array.isArray(assigned) ? (assigned as unknown[]) : []).map(
    (group) => (group as { readonly name?: unknown } | null)?.name,
  );
  const absent = sent.filter((group) => !names.includes(group));
  if (absent.length === 0) return passed(`the tenant has taken over ${sent.join(", ")}`);
  return failed("groups-missing", `the user is not in ${absent.join(", ")}`);
}

async function licence(visit: Visit): Promise<Finding> {
  const answer = await askSignedIn(visit, "/api/v1/licenses/allotments/me");
  const found = `GET /api/v1/licenses/allotments/me answers ${shownAnswer(answer)}`;
  return shownAnswer(answer).includes("LICENSES-") ? failed("no-licence", found) : passed(found);
}

/** The tenant's own limits, where the user may read them. facts §2.3 */
async function limits(visit: Visit): Promise<Finding> {
  const answer = await askSignedIn(visit, "/api/core/auth-settings");
  const { userSessionInactivityTimeoutMinutes: idle, maxUserSessionLifespanMinutes: life } = objectOf(answer);
  if (answer.status !== 200 || typeof idle !== "number" || typeof life !== "number")
    return skipped(`only administrators may read the tenant's limits (${shownAnswer(answer)})`);
  const { sessionIdle, sessionLifetime } = visit.get("options").tenant;
  const found = `sessions end after ${idle} min without use, and ${life} min at most`;
  const isShorter = idle * 60_000 < sessionIdle || life * 60_000 < sessionLifetime;
  if (!isShorter) return passed(found);
  const told = `the configuration says ${sessionIdle / 60_000} and ${sessionLifetime / 60_000} min`;
  return failed(
    "shorter-limits",
    `${found}; ${told}`,
    `Set tenant.sessionIdle: ${idle}m and tenant.sessionLifetime: ${life}m.`,
  );
}

/** Whether links of the tenant are those that the proxy leads to itself. facts §6.3 */
async function links(visit: Visit): Promise<Finding> {
  const answer = await askSignedIn(visit, "/api/v1/items?resourceType=app&limit=1");
  const { data, links: given } = objectOf(answer);
  const found = `GET /api/v1/items answers ${shownAnswer(answer)}`;
  if (answer.status !== 200) return warned("rest-refused", found);
  const [item] = Array.isArray(data) ? (data as Readonly<Record<string, unknown>>[]) : [];
  const id = item?.["resourceId"];
  if (typeof id === "string") visit.note("firstApp", id);
  const { host } = new URL(visit.get("options").tenant.origin);
  const hosts = Object.values((given ?? {}) as Record<string, { readonly href?: unknown } | null>).flatMap(
    (link) => (typeof link?.href === "string" && URL.canParse(link.href) ? [new URL(link.href).host] : []),
  );
  const foreign = hosts.find((each) => each !== host);
  if (foreign !== undefined) return failed("foreign-links", `${found}; its links lead to ${foreign}`);
  return passed(`${found}; its links lead to ${host}`);
}

/** Ends the session of the visit, and looks whether it is gone. */
async function signOut(visit: Visit): Promise<Finding> {
  const { call, last } = listeningCall(visit);
  await accessOver(visit, call).end(lane, visit.get("session"));
  const answer = last();
  const found = `GET /logout answers ${answer === undefined ? "nothing" : shownAnswer(answer)}`;
  const after = await askSignedIn(visit, "/api/v1/users/me");
  return isLost(visit, after)
    ? passed(`${found}; the session is gone`)
    : warned("session-left", `${found}; the session still answers ${shownAnswer(after)}`);
}

/** What a session is good for. */
export const sessionSteps: readonly Step[] = [
  { name: "login", needs: ["claims", "tenant"], run: login },
  { name: "cookies", needs: ["login"], run: cookies },
  { name: "csrf", needs: ["login"], run: csrf },
  { name: "rest", needs: ["login"], run: rest },
  { name: "write", needs: ["csrf"], run: write },
  { name: "groups", needs: ["rest"], run: groups },
  { name: "licence", needs: ["rest"], run: licence },
  { name: "limits", needs: ["rest"], run: limits },
  { name: "links", needs: ["rest"], run: links },
];

/** Leaves nothing behind. */
export const signOutStep: Step = { name: "sign-out", needs: ["login"], cleansUp: true, run: signOut };
