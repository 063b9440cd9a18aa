import { resolveOptions, type SessionProxyOptions } from "../../src/options/session-proxy-options.ts";
import { createExplainer, type Question } from "../../src/proxy/explain/explain.ts";
import { connectTo } from "../support/raw-connection.ts";
import { forwarded as browsersAmong, type RawUpstream, type SeenRequest } from "../support/raw-upstream.ts";
import { tenantOptionsAt, testIdentity, type Stack } from "../support/stack.ts";
import type { Started } from "../support/started.ts";
import { handshake, sibling, user, type Asking, type Lines } from "./explain-questions.ts";

type ProxyOptions = Partial<SessionProxyOptions>;

/** Options of a proxy at a prefix. */
export const proxyOptions = (prefix: string): ProxyOptions => ({
  prefix,
  allowedOrigins: [sibling],
  identityHeaders: ["x-test-user"],
  policy: {
    presets: ["embed", "embed-write"],
    allow: ["GET /single/**", "OPTIONS /api/v1/echo"],
    deny: ["/api/v1/items/secret/**"],
  },
  limits: { requestBody: 1024 },
  unsafe: { plainHttpTenant: true, plainHttpPublic: true },
});

/** What the explainer would say itself is taken away, so that the lines are the whole head. */
const emptied: Lines = [
  "User-Agent",
  "Accept",
  "Accept-Language",
  "Accept-Encoding",
  "Cookie",
  "Origin",
  "Referer",
  "Sec-Fetch-Site",
  "Sec-Fetch-Mode",
  "Sec-Fetch-Dest",
  "Connection",
  "Upgrade",
  "Sec-WebSocket-Version",
  "Sec-WebSocket-Key",
  "Sec-WebSocket-Extensions",
].map((name) => [name, ""]);

/** A request as it is sent. */
export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly lines: Lines;
}

/** The status of the answer to exactly this head; a body beyond every limit here is not sent to its end. */
export async function statusOf(stack: Stack, { method, target, lines }: Asked): Promise<number> {
  const connection = await connectTo(stack.origin);
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const length = Number(lines.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
  connection.write(`${method} ${target} HTTP/1.1\r\n${head}\r\n${"x".repeat(Math.min(length, 4096))}`);
  const text = await connection.until((all) => all.includes("\r\n\r\n"));
  connection.socket.destroy();
  return Number(text.slice(9, 12));
}

/** What came from the proxy, beside its own talk with the tenant. */
export const forwarded = ({ seen }: RawUpstream): readonly SeenRequest[] => browsersAmong(seen);

/** Every proxy makes a key of its own, which is no secret: it stands in the query and in a header. facts §10.1 */
const withoutKey = (text: string): string => text.replace(/(xrfkey=)[^&]*/, "$1key");

const hidden = (value: string): string => (value.startsWith("Bearer ") ? "Bearer ***" : "***");

const keyHeader = "x-qlik-xrfkey";

/** What shows whose a request is. */
const credentials = new Set(["cookie", "authorization", "qlik-csrf-token"]);

/** Headers of a connection, which undici writes for itself. */
const ofConnection = new Set(["content-length", "transfer-encoding"]);

/** What came, with the secrets masked as the explanation masks them. */
export function masked({ method, target, headers }: SeenRequest, upgrade: boolean): unknown {
  return {
    method,
    target: withoutKey(target.replace(/(qlik-csrf-token=)[^&]*/, "$1***")),
    headers: headers
      .filter(([name]) => !ofConnection.has(name) && (upgrade || name !== "connection"))
      .map(([name, value]) => [
        name,
        name === keyHeader ? "key" : credentials.has(name) ? hidden(value) : value,
      ]),
  };
}

/** As {@link masked}, of what was said. */
export function said(headers: readonly string[], method: string, target: string): unknown {
  const pairs = headers.flatMap((name, i) =>
    i % 2 === 0
      ? [[name.toLowerCase(), name.toLowerCase() === keyHeader ? "key" : (headers[i + 1] ?? "")]]
      : [],
  );
  return { method, target: withoutKey(target), headers: pairs };
}

/** A proxy, and what explains it. */
interface ExplainedProxy {
  readonly stack: Stack;
  readonly upstream: RawUpstream;
  readonly explain: ReturnType<typeof createExplainer>;
}

/** Starts a proxy at a prefix, and an explainer with its options. */
export async function startBoth(
  started: Started,
  prefix: string,
  proxy: ProxyOptions = proxyOptions(prefix),
): Promise<ExplainedProxy> {
  const { stack, upstream } = await started.raw(undefined, { proxy });
  const explain = createExplainer(
    resolveOptions({
      ...proxy,
      tenant: tenantOptionsAt(upstream.origin),
      publicOrigin: stack.origin,
      identify: ({ headers }) => testIdentity(headers["x-test-user"]),
    }),
  );
  return { stack, upstream, explain };
}

/** The question, and the request that it is about. */
export function build(
  stack: Stack,
  [method, target, lines]: Asking,
): { readonly question: Question; readonly request: Asked; readonly upgrade: boolean } {
  const upgrade = method === "UPGRADE";
  const given = lines.map(([name, value]): readonly [string, string] => [
    name,
    value.replace("OURS", stack.origin),
  ]);
  const names = new Set(given.map(([name]) => name));
  const head = [...(upgrade ? handshake.filter(([name]) => !names.has(name)) : []), ...given, ...user];
  const taken = new Set(head.map(([name]) => name));
  const httpMethod = upgrade ? "GET" : method;
  return {
    upgrade,
    question: {
      method: httpMethod,
      upgrade,
      target,
      peer: "127.0.0.1",
      headers: [...emptied.filter(([name]) => !taken.has(name)), ...head].flat(),
    },
    request: {
      method: httpMethod,
      target,
      lines: [["Host", new URL(stack.origin).host], ...head],
    },
  };
}
