import { setTimeout as sleep } from "node:timers/promises";
import { randomId } from "../../kernel/random.ts";
import { refusesCsrf } from "../../tenant/csrf.ts";
import { type FirstWord, hearFirstWord } from "./engine-socket.ts";
import { failed, type Finding, passed, type Step, warned } from "./step.ts";
import { askSignedIn, errorCodeOf, objectOf } from "./tenant-calls.ts";
import type { Visit } from "./visit.ts";

/** The engine without an app. facts §5.1 */
const noApp = "engineData";

/** Close codes that mean "not for this user" and "not there". facts §5.5 */
const noPermission = 4203;
const notFound = 4204;

/** How often, and how long after, a user who is new to the tenant is tried again. facts §2.5 */
const attempts = 3;
const pause = 700;

/** A user is new as long as this. Milliseconds. */
const newFor = 120_000;

/** Opens a socket to the engine and waits for `OnConnected`. facts §5.3 */
async function engine(visit: Visit): Promise<Finding> {
  const app = visit.questions.app ?? visit.find("firstApp") ?? noApp;
  for (let attempt = 1; ; attempt += 1) {
    // An identity of its own, so that nobody's selections are touched. facts §5.2
    const path = `/app/${encodeURIComponent(app)}/identity/doctor-${randomId(9, "hex")}`;
    const word = await hearFirstWord(visit, path);
    const isLag = word.kind === "closed" && word.code === noPermission && isNew(visit);
    if (!isLag) return judge(visit, app, word);
    if (attempt === attempts)
      return failed("access-lag", `${app}: closed with ${word.code}; the user was created a moment ago`);
    await sleep(pause);
  }
}

function isNew(visit: Visit): boolean {
  const createdAt = Date.parse(String(visit.get("user")["createdAt"]));
  const skew = (visit.find("skew") ?? 0) * 1000;
  return Date.now() + skew - createdAt < newFor;
}

function judge(visit: Visit, app: string, word: FirstWord): Finding | Promise<Finding> {
  switch (word.kind) {
    case "refused":
      return judgeRefusal(word);
    case "malformed":
      return failed("upgrade-refused", word.problem);
    case "silence":
      return failed("no-first-message", `${app}: the socket is open, and nothing comes`);
    case "closed":
      return judgeClose(visit, app, word);
    case "message":
      return judgeMessage(app, word.text);
  }
}

function judgeRefusal({ status, body }: FirstWord & { readonly kind: "refused" }): Finding {
  const found = `the upgrade answers ${status} ${errorCodeOf({ body })}`.trimEnd();
  if (status === 401) return failed("session-lost", found);
  if (status === 403 && refusesCsrf(body)) return failed("csrf-refused", found);
  return failed(status >= 500 ? "tenant-down" : "upgrade-refused", found);
}

async function judgeClose(
  visit: Visit,
  app: string,
  { code, reason }: { readonly code: number; readonly reason: string },
): Promise<Finding> {
  const said = /^\{"code":"([A-Z]+-\d+)"/.exec(reason)?.[1];
  const found = `${app}: closed with ${code}${said === undefined ? "" : ` ${said}`}`;
  if (code === noPermission) return failed("app-denied", found);
  if (code === 1006) return failed("no-first-message", `${app}: the connection ends without a word`);
  if (code !== notFound) return failed("engine-closed", found);
  const item = await askSignedIn(visit, `/api/v1/items/${encodeURIComponent(app)}`);
  const { resourceId } = objectOf(item);
  if (item.status !== 200 || typeof resourceId !== "string") return failed("app-not-found", found);
  return failed("item-id", `${found}; it is the item of the app ${resourceId}`);
}

function judgeMessage(app: string, text: string): Finding {
  const state = /"qSessionState"\s*:\s*"([A-Z_]{1,60})"/.exec(text)?.[1];
  if (!/"method"\s*:\s*"OnConnected"/.test(text) || state === undefined)
    return warned("engine-closed", `${app}: the first message is not OnConnected`);
  if (state === "SESSION_CREATED" || state === "SESSION_ATTACHED")
    return passed(`${app}: OnConnected, ${state}`);
  return failed(state.includes("LICENSE") ? "no-licence" : "engine-refused", `${app}: ${state}`);
}

/** The way of a widget. */
export const engineStep: Step = { name: "engine", needs: ["csrf", "rest"], run: engine };
