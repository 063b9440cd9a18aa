import { type IncomingMessage, METHODS } from "node:http";
import { headerValues, type RawHeaders } from "../../http/raw-headers.ts";
import type { EdgeQuestion } from "../../proxy/edge/edge-request.ts";

/** The request that an edge asks about. */
export type OriginalRequest = Pick<EdgeQuestion, "method" | "target" | "host" | "keepsTarget">;

/** How one kind of edge asks, and what it understands of the answer. product B5 */
export interface EdgeDialect {
  /** What it asks about; null where it does not say so, or says it more than once. attacks A3 */
  readOriginal(request: IncomingMessage): OriginalRequest | null;
  /** Whether its client gets our answer as it is; otherwise a refusal is 401 or 403, and all that it knows. */
  readonly carriesAnswers: boolean;
  /** What the credentials are called in a yes. */
  readonly names: { readonly cookie: string; readonly csrfToken: string };
}

/** Methods that a request line can have here; any other text is no method. */
const known: ReadonlySet<string> = new Set(METHODS);

/** A value that is there once. */
function only(raw: RawHeaders, lowerName: string): string | null {
  const [value, ...others] = headerValues(raw, lowerName);
  return value === undefined || value === "" || others.length > 0 ? null : value;
}

interface HeaderNames {
  readonly method: string;
  readonly target: string;
  readonly host: string;
}

function fromHeaders(
  { rawHeaders }: IncomingMessage,
  names: HeaderNames,
  keepsTarget: boolean,
): OriginalRequest | null {
  const [method, target, host] = [names.method, names.target, names.host].map((name) =>
    only(rawHeaders, name),
  );
  if (!method || !target || !host || !known.has(method)) return null;
  return { method, target, host, keepsTarget };
}

/** Edges that put the credentials on under the names by which they get them. */
const asSent = { cookie: "Cookie", csrfToken: "Qlik-Csrf-Token" } as const;

/** Where the original path begins. */
const extAuthz = "/authz/ext-authz";

const authRequest: EdgeDialect = {
  readOriginal: (request) =>
    fromHeaders(request, { method: "x-original-method", target: "x-original-uri", host: "host" }, false),
  carriesAnswers: false,
  names: { cookie: "X-QSP-Cookie", csrfToken: "X-QSP-CSRF-Token" },
};

const forwardAuth: EdgeDialect = {
  // The question's own Host is ours with some of them.
  readOriginal: (request) =>
    fromHeaders(
      request,
      { method: "x-forwarded-method", target: "x-forwarded-uri", host: "x-forwarded-host" },
      true,
    ),
  carriesAnswers: true,
  names: asSent,
};

const extAuthzDialect: EdgeDialect = {
  readOriginal({ method, url = "", rawHeaders }) {
    const host = only(rawHeaders, "host");
    if (!method || !host) return null;
    return { method, target: url.slice(extAuthz.length), host, keepsTarget: true };
  },
  carriesAnswers: true,
  names: asSent,
};

/** How whoever asks at such an address asks; undefined where there is nothing. */
export function dialectOf(url: string): EdgeDialect | undefined {
  if (url === "/authz/auth-request") return authRequest;
  if (url === "/authz/forward-auth") return forwardAuth;
  return url.startsWith(`${extAuthz}/`) ? extAuthzDialect : undefined;
}
