import { csrfToken, markedSubjects } from "./answers.ts";
import { labelOf, type FuzzCase } from "./fuzz-case.ts";
import type { TenantView } from "./hostile-tenant.ts";
import type { ClientView } from "./play-client.ts";
import type { ReadAnswer } from "./read-answers.ts";

/** How far a case got. */
export interface Depth {
  /** The browser was answered at all. */
  readonly answered: boolean;
  /** The tenant was asked for a session of the case's user. */
  readonly loggedIn: boolean;
  /** A request of the case reached the tenant. */
  readonly forwarded: boolean;
  /** The browser saw an answer of the tenant's. */
  readonly passedOn: boolean;
  /** The browser got a 101. */
  readonly spliced: boolean;
  /** Frames went both ways. */
  readonly framed: boolean;
}

export function depthOf({ answers, socket }: ClientView, { asked, socketBytes }: TenantView): Depth {
  return {
    answered: answers.length > 0 || socket !== null,
    loggedIn: asked.login > 0,
    forwarded: asked.rest + asked.static + asked.upgrade > 0,
    passedOn:
      asked.rest + asked.static > 0 && answers.some((each) => codeOf(each) === "" && each.status >= 200),
    spliced: socket !== null,
    framed: socketBytes > 0 && (socket ?? "") !== "",
  };
}

/** The code of an error of ours; "" for any other answer. */
const codeOf = ({ body }: ReadAnswer): string => /QSP-[A-Z-]+/.exec(body)?.[0] ?? "";

/** What a case led to, so that cases which lead elsewhere can be told apart. */
export function outcomeOf(client: ClientView, { asked, socketBytes }: TenantView): string {
  const answers = client.answers.map((each) => `${each.status}${codeOf(each)}${each.complete ? "" : "~"}`);
  const counts = Object.values(asked).map((count) => Math.min(count, 3));
  const frames =
    client.socket === null
      ? ""
      : `${Math.min(8, client.socket.length >> 5)}/${Math.min(8, socketBytes >> 5)}`;
  return [client.closed, answers.slice(0, 6).join(), counts.join(""), frames].join("|");
}

/** Headers of the tenant's that would act on the app's origin. attacks H7, H9 */
const neverPassed = new Set([
  "set-cookie",
  "set-cookie2",
  "clear-site-data",
  "strict-transport-security",
  "service-worker-allowed",
]);

/** Our own log-out has the browser forget what it cached; the tenant would have everything cleared. */
const ownClearing = '"cache"';

/** What must not be true of what a client saw; null where nothing is wrong. */
export function problemOf(
  fuzzCase: FuzzCase,
  client: ClientView,
  { asked: requests }: TenantView,
): string | null {
  if (client.problem !== null) return `an answer that is none: ${client.problem}`;
  const asked = fuzzCase.client
    .map((step) => (step.kind === "bytes" ? step.bytes.toString("latin1") : ""))
    .join("");
  const foreign = markedSubjects(client.received).find((subject) => !asked.includes(subject));
  if (foreign !== undefined) return `data of another user: ${foreign}`;
  for (const { headers } of client.answers) {
    const passed = headers.find(([name, value]) => neverPassed.has(name) && value !== ownClearing);
    if (passed) return `the header ${passed.join(": ")} reached the browser`;
  }
  if (fuzzCase.side === "downstream" && Object.keys(fuzzCase.tenant).length === 0) {
    const secret = ["secret-", "eas.sid", csrfToken].find((each) => client.received.includes(each));
    if (secret !== undefined && !asked.includes(secret))
      return `a secret of the tenant reached the browser: ${secret}`;
  }
  // What a tenant sent unasked after an earlier answer can be taken for this one, of the same user: it has another label.
  // A GET that broke before its first byte is rightly sent again, and the second answer is whole.
  const wasRetried = requests.rest + requests.static > client.answers.length;
  const whole =
    fuzzCase.isCut &&
    !wasRetried &&
    client.answers.some(
      ({ status, complete, body }) => status === 200 && complete && body.includes(labelOf(fuzzCase.index)),
    );
  return whole ? "an answer that was cut off was passed on as whole" : null;
}
