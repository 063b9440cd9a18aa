import type { IncomingMessage } from "node:http";

/** What is known of a request or upgrade once its head is there; all that admission and the rewrites look at. */
export type RequestHead = Pick<
  IncomingMessage,
  "method" | "url" | "rawHeaders" | "httpVersionMajor" | "httpVersionMinor"
> & { readonly socket: object };
