import type { IncomingMessage } from "node:http";
import type { RawHeaders } from "../http/raw-headers.ts";

/** What is known of a request or upgrade once its head is there; all that admission and the rewrites look at. */
export interface RequestHead extends Pick<
  IncomingMessage,
  "method" | "url" | "httpVersionMajor" | "httpVersionMinor"
> {
  readonly rawHeaders: RawHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}
