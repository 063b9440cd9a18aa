import type { IncomingMessage } from "node:http";
import type { HeaderLine } from "./answer.ts";

/** A named CORS allow-list (facts §4). */
export interface WebIntegration {
  /** 32 characters at the vendor; any text here. */
  readonly id: string;
  readonly name?: string;
  /** Exact `scheme://host[:port]`, no wildcard. */
  readonly validOrigins: readonly string[];
}

/** The web integrations of the tenant. */
export interface WebIntegrations {
  add(integration: WebIntegration): void;
  remove(id: string): boolean;
  list(): readonly WebIntegration[];
  /** Tells whether the web integration `id` lists `origin`. */
  allows(id: string | undefined, origin: string): boolean;
}

/** Creates the web integrations of a tenant. */
export function createWebIntegrations(initial: readonly WebIntegration[]): WebIntegrations {
  const integrations = new Map(initial.map((each) => [each.id, each]));
  return {
    add(integration) {
      integrations.set(integration.id, integration);
    },
    remove: (id) => integrations.delete(id),
    list: () => [...integrations.values()],
    allows: (id, origin) =>
      id !== undefined && (integrations.get(id)?.validOrigins.includes(origin) ?? false),
  };
}

/** Where a request comes from, as far as the tenant cares. */
export type OriginVerdict =
  /** No Origin header, or the tenant's own: taken without an id (facts §4). */
  | { readonly kind: "own" }
  /** An origin that the named web integration lists. */
  | { readonly kind: "listed"; readonly origin: string }
  | { readonly kind: "foreign" };

/** Reads the web integration id, from the header or the query (facts §4). */
function webIntegrationId(request: IncomingMessage, query: URLSearchParams): string | undefined {
  const header = request.headers["qlik-web-integration-id"];
  return (Array.isArray(header) ? header[0] : header) ?? query.get("qlik-web-integration-id") ?? undefined;
}

/** Judges the Origin of a request or upgrade (facts §4, §13). */
export function judgeOrigin(
  rules: { readonly origin: string; readonly webIntegrations: WebIntegrations },
  request: IncomingMessage,
  query: URLSearchParams,
): OriginVerdict {
  const { origin } = request.headers;
  if (origin === undefined || origin === rules.origin) return { kind: "own" };
  return rules.webIntegrations.allows(webIntegrationId(request, query), origin)
    ? { kind: "listed", origin }
    : { kind: "foreign" };
}

/** Headers a script of a listed origin may read: what the vendor's clients look for (facts §8). */
const exposedHeaders =
  "qlik-csrf-token, location, retry-after, content-disposition, upload-offset, tus-resumable";

/** Makes the CORS headers for an origin that a web integration lists. */
export function corsHeaders(verdict: OriginVerdict): readonly HeaderLine[] {
  if (verdict.kind !== "listed") return [];
  return [
    ["Access-Control-Allow-Origin", verdict.origin],
    ["Access-Control-Allow-Credentials", "true"],
    ["Access-Control-Expose-Headers", exposedHeaders],
    ["Vary", "Origin"],
  ];
}

/** Makes the headers that answer a preflight; the id is not in a preflight, so any integration that lists the origin will do. */
export function preflightHeaders(
  integrations: WebIntegrations,
  request: IncomingMessage,
): readonly HeaderLine[] | undefined {
  const { origin } = request.headers;
  const isListed =
    origin !== undefined && integrations.list().some(({ validOrigins }) => validOrigins.includes(origin));
  if (!isListed) return undefined;
  return [
    ["Access-Control-Allow-Origin", origin],
    ["Access-Control-Allow-Credentials", "true"],
    ["Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"],
    ["Access-Control-Allow-Headers", request.headers["access-control-request-headers"] ?? ""],
    ["Access-Control-Max-Age", "600"],
    ["Vary", "Origin"],
  ];
}
