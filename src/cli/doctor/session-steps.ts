import { SessionProxyError } from "../../errors.ts";
import { firstHeader, headerValues } from "../../http/raw-headers.ts";
import { systemClock } from "../../kernel/clock.ts";
import { createTenantAccess, type TenantAccess } from "../../session/tenant-access.ts";
import { toClaims } from "../../tenant/claims.ts";
import { sessionCookie } from "../../tenant/cloud-jwt/cookies.ts";
import { refusesCsrf } from "../../tenant/csrf.ts";
import type { TenantKind } from "../../tenant/backend.ts";
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
    place: {
      host: hostname,
      secure: protocol === "https:" || unsafe.plainHttpTenant,
      base: tenant.backend.base,
      backend: tenant.backend,
    },
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
    return visit.get("options").tenant.kind === "qlik-cloud-jwt"
      ? diagnoseLogin(visit, error, last())
      : refusedOtherwise(error);
  }
}

/** What the login itself says is all that there is to say: its kind has no words that have to be compared. */
function refusedOtherwise(error: SessionProxyError): Finding {
  const found = error.reason ?? error.code;
  if (error.code === "QSP-USER-REFUSED") return failed("user-refused", found, remedyOf(error));
  if (error.code === "QSP-TENANT-THROTTLED") return failed("login-throttled", found);
  if (error.code === "QSP-TENANT-REFUSED") return failed("token-refused", found, remedyOf(error));
  return failed("tenant-down", found);
}

/** The reasons of a refusal end in what to look at. */
const remedyOf = ({ reason = "" }: SessionProxyError): string =>
  reason.slice(reason.indexOf("; ") + 2).replace(/^./, (first) => first.toUpperCase());

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
  const path = visit.get("session").backend.csrf?.request.path ?? "";
  const found = `GET ${path} answers ${answer === undefined ? "nothing" : shownAnswer(answer)}`;
  if (answer !== undefined && isLost(visit, answer)) return failed("session-lost", found);
  if (token === "") return failed("no-csrf-token", found);
  visit.note("csrfToken", token);
  if (answer === undefined) return passed("a token came with the login");
  return passed(`${found} with a token`);
}

const isLost = (visit: Visit, answer: TenantAnswer): boolean =>
  visit.get("options").tenant.backend.isAuthLoss(answer);

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
  const { backend } = visit.get("session");
  const { method, path } = backend.signOut({ accessToken: null });
  const found = `${method} ${path} answers ${answer === undefined ? "nothing" : shownAnswer(answer)}`;
  const after = await askSignedIn(visit, backend.probe.path);
  return !backend.isAlive(after)
    ? passed(`${found}; the session is gone`)
    : warned("session-left", `${found}; the session still answers ${shownAnswer(after)}`);
}

const cloud: readonly TenantKind[] = ["qlik-cloud-jwt", "qlik-cloud-oauth"];

/** What a session is good for. */
export const sessionSteps: readonly Step[] = [
  { name: "login", needs: ["claims", "tenant"], run: login },
  { name: "cookies", needs: ["login"], kinds: ["qlik-cloud-jwt"], run: cookies },
  { name: "csrf", needs: ["login"], kinds: ["qlik-cloud-jwt", "qlik-sense-jwt"], run: csrf },
  { name: "rest", needs: ["login"], kinds: cloud, run: rest },
  { name: "write", needs: ["csrf"], kinds: ["qlik-cloud-jwt"], run: write },
  { name: "groups", needs: ["rest"], kinds: ["qlik-cloud-jwt"], run: groups },
  { name: "licence", needs: ["rest"], kinds: cloud, run: licence },
  { name: "limits", needs: ["rest"], kinds: ["qlik-cloud-jwt"], run: limits },
  { name: "links", needs: ["rest"], kinds: cloud, run: links },
];

/** Leaves nothing behind. */
export const signOutStep: Step = { name: "sign-out", needs: ["login"], cleansUp: true, run: signOut };
