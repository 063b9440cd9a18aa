import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { OwnAnswer } from "../../http/own-answer.ts";
import { headerValues } from "../../http/raw-headers.ts";
import type { Site } from "../site.ts";
import { authModuleScript } from "./auth-module-script.ts";

const body = Buffer.from(authModuleScript);
const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;

/** Old enough to be fetched once a visit, young enough that the next version is there soon. Seconds. */
const keepFor = 600;

/**
 * Answers with the script that lets the vendor's clients use a proxy on another origin of the same site. It is the same for
 * everybody and says nothing of anybody. product B4
 */
export function authModuleAnswer(request: IncomingMessage, site: Pick<Site, "resourcePolicy">): OwnAnswer {
  const headers = [
    "cache-control",
    `public, max-age=${keepFor}`,
    "etag",
    tag,
    "x-content-type-options",
    "nosniff",
    "cross-origin-resource-policy",
    site.resourcePolicy,
    "vary",
    "Origin, Sec-Fetch-Site",
  ];
  if (isKept(request)) return { status: 304, headers, body: Buffer.alloc(0) };
  const type = ["content-type", "text/javascript; charset=utf-8", "content-length", String(body.length)];
  return { status: 200, headers: [...type, ...headers], body };
}

/** Whether the browser has this very script; a front door that packs answers makes the tag a weak one. */
const isKept = ({ rawHeaders }: IncomingMessage): boolean =>
  headerValues(rawHeaders, "if-none-match")
    .flatMap((value) => value.split(","))
    .some((each) => each.trim().replace(/^W\//, "") === tag);
