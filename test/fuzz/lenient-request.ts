/** The head of a request as a server would take it that believes every byte. */
export interface SeenHead {
  readonly line: string;
  readonly method: string;
  readonly path: string;
  /** Lower-case names with their values, in order. */
  readonly headers: readonly (readonly [string, string])[];
  /** The bytes of the head with its empty line. */
  readonly length: number;
}

/** Reads the head at the start of some bytes; null where it is not whole. */
export function readHead(from: string): SeenHead | null {
  const end = from.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const [line = "", ...rest] = from.slice(0, end).split("\r\n");
  const [method = "", path = ""] = line.split(" ");
  const headers = rest.map((text): readonly [string, string] => {
    const colon = text.indexOf(":");
    return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()];
  });
  return { line, method, path, headers, length: end + 4 };
}

export const valuesOf = ({ headers }: SeenHead, name: string): readonly string[] =>
  headers.flatMap(([each, value]) => (each === name ? [value] : []));

/** How many bytes the body of a head takes; null where they are not all there. What has no framing has no body. */
export function bodyLength(head: SeenHead, rest: string): number | null {
  const [coding] = valuesOf(head, "transfer-encoding");
  if (coding === undefined) {
    const length = Number(valuesOf(head, "content-length")[0] ?? 0);
    return rest.length < length ? null : length;
  }
  for (let at = 0; ;) {
    const feed = rest.indexOf("\r\n", at);
    if (feed === -1) return null;
    const size = Number.parseInt(rest.slice(at, feed), 16);
    if (size === 0) return rest.length < feed + 4 ? null : feed + 4;
    at = feed + 2 + size + 2;
    if (!(at <= rest.length)) return null;
  }
}

/** Headers that only we or the tenant may say; whoever finds one of a client's here has found a hole. attacks H1, H4 */
const forbidden =
  /^(?:x-user-(?:sub|name|groups|session)|x-forwarded-.*|forwarded|origin|referer|te|trailer|keep-alive|proxy-connection|proxy-authorization|expect|sec-fetch-.*|x-http-method-override|via)$/;

/** Paths that the rules of the fuzzed server open, `/**` being also what stands before it, and those that it asks for itself. */
const opened =
  /^\/(?:login\/jwt-session|logout|api\/v1\/[^?]*|(?:resources|assets|qlik-embed|app)(?:\/[^?]*)?)(?:\?.*)?$/;

/** What must not be true of any request that we send, whatever our client did; null where nothing is wrong. */
export function problemOf(head: SeenHead, host: string, smuggledPath: string): string | null {
  const { line, path, method } = head;
  if (!/^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/[!-~]* HTTP\/1\.1$/.test(line))
    return `the line ${line}`;
  if (path.startsWith(smuggledPath)) return "a request that nobody made";
  if (!opened.test(path)) return `the path ${path}`;
  if (valuesOf(head, "host").join("|") !== host) return `the host ${valuesOf(head, "host").join("|")}`;
  for (const [name, value] of head.headers) {
    if (!/^[a-z0-9-]+$/.test(name)) return `the header name ${name}`;
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return `the value of ${name}`;
    if (forbidden.test(name)) return `the header ${name}`;
    if (name.startsWith("qlik-") && !["qlik-csrf-token", "qlik-api-version"].includes(name))
      return `the header ${name}`;
  }
  if (valuesOf(head, "authorization").length > (path === "/login/jwt-session" ? 1 : 0))
    return "an authorization";
  return framingProblem(head, method) ?? cookieProblem(head);
}

function framingProblem(head: SeenHead, method: string): string | null {
  const lengths = valuesOf(head, "content-length");
  const codings = valuesOf(head, "transfer-encoding");
  if (lengths.length + codings.length > 1) return "framing given twice";
  if (lengths.some((length) => !/^\d+$/.test(length))) return `the length ${lengths.join()}`;
  if (codings.some((coding) => coding !== "chunked")) return `the coding ${codings.join()}`;
  const connection = valuesOf(head, "connection").join().toLowerCase();
  if (!["", "keep-alive", "close", "upgrade"].includes(connection)) return `the connection ${connection}`;
  return connection === "upgrade" && method !== "GET" ? "an upgrade that is no GET" : null;
}

function cookieProblem(head: SeenHead): string | null {
  const cookies = valuesOf(head, "cookie");
  if (cookies.length > 1) return "two Cookie headers";
  if (/hostapp|forged/.test(cookies[0] ?? "")) return "a cookie of the client";
  return valuesOf(head, "qlik-csrf-token").includes("forged") ? "a token of the client" : null;
}
