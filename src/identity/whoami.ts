import { createHmac, randomBytes } from "node:crypto";
import { Agent, type IncomingMessage } from "node:http";
import { Agent as SecureAgent } from "node:https";
import { SessionProxyError } from "../errors.ts";
import { requestCookies } from "../http/request-cookies.ts";
import { headerValues, type RawHeaders } from "../http/raw-headers.ts";
import { publish } from "../kernel/channels.ts";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { type Answer, ask, NoAnswer, readObject } from "./ask.ts";
import { standingIdentity } from "./checked-identity.ts";
import { type ClaimNames, mapClaims } from "./claim-mapping.ts";
import type { Identify } from "./identify.ts";
import type { Identity, Named } from "./identity.ts";
import { createWhoamiMemory } from "./whoami-memory.ts";

/** Whom to ask who somebody is, and with what. */
export interface WhoamiOptions {
  readonly url: URL;
  /** Lower-case names of the headers of a request that go into the question; nothing else of the request does. */
  readonly forwardHeaders: readonly string[];
  /** Names of the cookies that go; all of them where it is left out. */
  readonly forwardCookies?: readonly string[] | undefined;
  /** How long an answer is taken for true. Milliseconds, 0 for not at all. */
  readonly cacheFor: number;
  /** For a question and its whole answer. Milliseconds. */
  readonly timeout: number;
  /** Questions under way at once. */
  readonly concurrency: number;
  readonly claims: ClaimNames;
  /** The machine's by default. */
  readonly clock?: Clock;
}

/** The longest answer. Bytes; rules R14 */
const mostBytes = 64 * 1024;

/** Questions that may wait for one of those under way, for each of these. */
const waitingForEach = 32;

/**
 * Makes an identity source that asks the host application who the user of a request is, with the credentials that the
 * browser sent. 200 and JSON is somebody, 401 and 403 are nobody, everything else is `QSP-IDENTITY` 503. rules R14
 */
export function createWhoamiIdentify(options: WhoamiOptions): Identify {
  const { url, clock = systemClock, concurrency } = options;
  // Of this process alone, so that nobody can tell from memory or its copies what a key was made of.
  const secret = randomBytes(32);
  const agentOptions = { keepAlive: true, maxSockets: concurrency, maxFreeSockets: concurrency };
  const agent = url.protocol === "https:" ? new SecureAgent(agentOptions) : new Agent(agentOptions);
  const warnOfCookies = createCookieWarning();
  const memory = createWhoamiMemory({ clock, cacheFor: options.cacheFor });

  let isClosed = false;

  const question = async (headers: readonly string[], startedAt: number): Promise<Identity | null> => {
    if (memory.underway > concurrency * (1 + waitingForEach))
      throw failure("too many questions are under way");
    const answer = await asked(options, agent, headers).finally(() => {
      // This one is among those under way.
      if (isClosed && memory.underway <= 1) agent.destroy();
    });
    if (answer.headers["set-cookie"] !== undefined) warnOfCookies();
    return identityIn(answer, options.claims, startedAt);
  };

  const givenAfter = (request: IncomingMessage, since: number): Named => {
    const headers = credentials(request.rawHeaders, options);
    if (headers === null) return null;
    const key = keyOf(secret, headers);
    return memory.recall(key, since, (startedAt) => question(headers, startedAt));
  };
  return Object.assign((request: IncomingMessage): Named => givenAfter(request, Number.NEGATIVE_INFINITY), {
    givenAfter,
    close() {
      isClosed = true;
      if (memory.underway === 0) agent.destroy();
    },
  });
}

const failure = (reason: string): SessionProxyError =>
  new SessionProxyError("QSP-IDENTITY", { status: 503, reason: `identity.whoami.url: ${reason}` });

async function asked(
  { url, timeout }: WhoamiOptions,
  agent: Agent | SecureAgent,
  credentials: readonly string[],
): Promise<Answer> {
  const headers = ["accept", "application/json", "user-agent", "qlik-session-proxy", ...credentials];
  try {
    return await ask({ url, headers, timeout, mostBytes, agent });
  } catch (error) {
    throw failure(error instanceof NoAnswer ? error.message : "the question failed");
  }
}

/**
 * What of a request goes into the question: names and values in turn. Null where nothing of it is there, or where a header
 * comes twice: then nobody can say whose word counts.
 */
function credentials(
  raw: RawHeaders,
  { forwardHeaders, forwardCookies }: WhoamiOptions,
): readonly string[] | null {
  const found: string[] = [];
  for (const name of forwardHeaders) {
    const values = name === "cookie" ? cookieLine(raw, forwardCookies) : headerValues(raw, name);
    if (values.length > 1) return null;
    if (values[0] !== undefined) found.push(name, values[0]);
  }
  return found.length === 0 ? null : found;
}

function cookieLine(raw: RawHeaders, wanted: readonly string[] | undefined): readonly string[] {
  const cookies = requestCookies(raw).filter(([name]) => wanted === undefined || wanted.includes(name));
  return cookies.length === 0 ? [] : [cookies.map(([name, value]) => `${name}=${value}`).join("; ")];
}

/** Every part with its length before it, so that no two questions are the same text. attacks X3 */
function keyOf(secret: Buffer, headers: readonly string[]): string {
  const hmac = createHmac("sha256", secret);
  for (const part of headers) hmac.update(`${part.length}:`).update(part, "latin1");
  return hmac.digest("base64");
}

function identityIn(answer: Answer, claims: ClaimNames, startedAt: number): Identity | null {
  const { status } = answer;
  if (status === 401 || status === 403) return null;
  if (status >= 300 && status < 400)
    throw failure(`the answer is a redirect (${status}), which is not followed: answer 401 for nobody`);
  if (status !== 200) throw failure(`the answer has the status ${status}: 200, 401 or 403 is asked for`);
  const read = readObject(answer);
  if ("problem" in read) throw failure(`the answer is ${read.problem}`);
  const mapped = mapClaims(read.object, claims);
  if ("problem" in mapped) throw failure(`the answer cannot be used: ${mapped.problem}`);
  try {
    return standingIdentity({ ...mapped.identity, evidenceAt: startedAt });
  } catch (error) {
    throw failure(`the answer cannot be used: ${error instanceof Error ? error.message : "its members"}`);
  }
}

/** Says once that cookies are dropped; an application that rolls its session sets one with every answer. */
function createCookieWarning(): () => void {
  let isSaid = false;
  return () => {
    if (isSaid) return;
    isSaid = true;
    publish("policy", () => ({
      event: "identity.warned",
      level: "warn",
      reason:
        "identity.whoami.url: its answer sets a cookie, which is dropped: the question must not begin or prolong a session",
    }));
  };
}
