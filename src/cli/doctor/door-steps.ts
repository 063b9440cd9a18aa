import { randomBytes } from "node:crypto";
import { type DoorAnswer, isOurs, knock } from "./door-calls.ts";
import { cacheMarkOf } from "./session-steps.ts";
import { failed, type Finding, passed, skipped, type Step } from "./step.ts";
import { errorCodeOf, objectOf } from "./tenant-calls.ts";
import type { Visit } from "./visit.ts";

/** What a front door answers that signs people in by itself. */
const asksToSignIn: ReadonlySet<number> = new Set([301, 302, 303, 307, 401, 403]);

/** Who answers at publicOrigin below the prefix. */
async function publicOrigin(visit: Visit): Promise<Finding> {
  const { publicOrigin: origin = "", prefix } = visit.get("options");
  visit.note("isServed", false);
  let answer: DoorAnswer;
  try {
    answer = await knock(visit, "/_session", { "sec-fetch-site": "same-origin" });
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code ?? (error as Error).name);
    if (code === "ECONNREFUSED")
      return skipped(`nothing listens at ${origin} yet; run doctor again when serve and front door run`);
    return failed("door-unreachable", `${origin}: ${code}`);
  }
  const code = errorCodeOf(answer);
  const found = `GET ${origin}${prefix}/_session answers ${answer.status} ${code}`.trimEnd();
  if (code === "QSP-TARGET" && answer.status === 421) return failed("door-host", found);
  // A front door whose proxy is not there yet says so.
  if (answer.status === 502 && !isOurs(answer))
    return skipped(`${found}: the front door finds no proxy yet; run doctor again when serve runs`);
  if (!isOurs(answer) && asksToSignIn.has(answer.status))
    return skipped(
      `${found}: the front door lets nobody in who is not signed in, so that it cannot be looked at`,
    );
  if (!isOurs(answer)) return failed("door-elsewhere", found);
  const mark = cacheMarkOf(answer.headers);
  if (mark !== null) return failed("shared-cache", `${found}, with ${mark}`);
  visit.note("isServed", true);
  return passed(found);
}

const notServed = "the proxy is not running behind publicOrigin";

const unreadable = "QSP-IDENTITY";

const plainCode = async (visit: Visit): Promise<string> =>
  errorCodeOf(await knock(visit, "/_session", { "sec-fetch-site": "same-origin" }));

/** Says to be somebody, as a stranger could: the front door must not let that pass. attacks A1 */
async function doorIdentity(visit: Visit): Promise<Finding> {
  const names = [...visit.get("options").identityHeaders];
  if (visit.find("isServed") !== true) return skipped(notServed);
  if (names.length === 0) return skipped("no header says who the user is");
  const stranger = `doctor-${randomBytes(6).toString("hex")}`;
  const headers = Object.fromEntries(names.map((name) => [name, stranger]));
  const answer = await knock(visit, "/_session", { ...headers, "sec-fetch-site": "same-origin" });
  const { subject } = objectOf(answer);
  // Where one of them is not text but a list, what was sent cannot be read: it has reached the proxy all the same.
  const isUnreadable = errorCodeOf(answer) === unreadable && (await plainCode(visit)) !== unreadable;
  if (subject === stranger || isUnreadable)
    return failed("door-identity", `${names.join(", ")}: taken from a stranger`);
  return passed(`${names.join(", ")} of a stranger do not reach the proxy`);
}

/** Asks for a WebSocket without being anybody: what reaches us as an upgrade is refused as one. */
async function doorUpgrade(visit: Visit): Promise<Finding> {
  if (visit.find("isServed") !== true) return skipped(notServed);
  const { publicOrigin: origin = "" } = visit.get("options");
  const answer = await knock(visit, "/app/doctor", {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
    "sec-fetch-site": "same-origin",
    origin,
  });
  const code = errorCodeOf(answer);
  const found = `an upgrade below publicOrigin answers ${answer.status} ${code}`.trimEnd();
  // As a plain GET it is a path that is not offered; an upgrade gets as far as the question who asks.
  return code === "QSP-POLICY" || !isOurs(answer) ? failed("door-upgrade", found) : passed(found);
}

/** The front door, from outside. */
export const doorSteps: readonly Step[] = [
  { name: "public-origin", needs: ["key"], run: publicOrigin },
  { name: "door-identity", needs: ["public-origin"], run: doorIdentity },
  { name: "door-upgrade", needs: ["public-origin"], run: doorUpgrade },
];
