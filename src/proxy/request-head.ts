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
