import { guardHeader } from "./guard-header.ts";

/** Headers of answers that clients of another origin may read: what `@qlik/api` and tus clients look at, and ours. facts §8 */
const exposed = [
  "qlik-csrf-token",
  "location",
  "retry-after",
  "content-disposition",
  "content-range",
  "accept-ranges",
  "etag",
  "link",
  "deprecation",
  "sunset",
  "tus-resumable",
  "tus-version",
  "tus-extension",
  "tus-max-size",
  "upload-offset",
  "upload-length",
  "upload-metadata",
  "upload-expires",
  "server-timing",
  "proxy-status",
].join(", ");

/** Headers that pages of a listed origin may send. facts §8 */
const sendable = [
  "content-type",
  "user-agent",
  guardHeader,
  "qlik-csrf-token",
  "qlik-web-integration-id",
  "qlik-api-version",
  "x-qlik-overrides",
  "range",
  "if-match",
  "if-none-match",
  "if-range",
  "tus-resumable",
  "upload-length",
  "upload-metadata",
  "upload-offset",
  "upload-defer-length",
  "upload-concat",
  "traceparent",
  "tracestate",
].join(", ");

/** What an origin on the list may do with an answer; every other origin gets no word of this. rules R4 */
export function corsHeaders(origin: string): string[] {
  return [
    "access-control-allow-origin",
    origin,
    "access-control-allow-credentials",
    "true",
    "access-control-expose-headers",
    exposed,
  ];
}

/** What a preflight from a listed origin is told, beside {@link corsHeaders}. */
export function preflightHeaders(options: { readonly mayAuthorize: boolean }): readonly string[] {
  return [
    "access-control-allow-methods",
    "GET, HEAD, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers",
    // Where the identity comes in the header Authorization, pages of listed origins may send it.
    options.mayAuthorize ? `authorization, ${sendable}` : sendable,
    "access-control-max-age",
    "600",
    "vary",
    "Origin, Access-Control-Request-Method",
  ];
}
