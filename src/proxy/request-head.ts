import type { IncomingMessage } from "node:http";
import type { RawHeaders } from "../http/raw-headers.ts";

/** What is known of a request or upgrade once its head is there; all that admission and the rewrites look at. */
export interface RequestHead extends Pick<
  IncomingMessage,
  "method" | "url" | "httpVersionMajor" | "httpVersionMinor"
> {
  readonly rawHeaders: RawHeaders;
  /** The target as it came, where a framework that mounts us below a path has shortened `url`. */
  readonly originalUrl?: unknown;
  /** `encrypted` is true over TLS alone. */
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
}

/**
 * Whether node's objects of a request are those of its HTTP/2. Its version says nothing: a request line of HTTP/1.1 may claim
 * any.
 */
export const isHttp2 = (request: object): boolean =>
  (request as { readonly stream?: unknown }).stream !== undefined;
