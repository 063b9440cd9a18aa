import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Secret } from "../kernel/secret.ts";
import { AdminRefusal } from "./admin-answer.ts";

/** Decides who may use the private listener. */
export interface AdminAccess {
  /** Whether the request carries the token. */
  holds(request: IncomingMessage): boolean;
  /** The refusal of a request without the token. */
  refusal(): AdminRefusal;
}

/** Creates the door of a listener, for the token of the moment; without one it is shut. */
export function createAdminAccess(token: () => Secret | undefined): AdminAccess {
  const holds = (request: IncomingMessage): boolean => {
    const wanted = token();
    return wanted !== undefined && equalTexts(wanted.reveal(), tokenOf(request));
  };
  return {
    holds,
    refusal: () =>
      unauthorized(
        token() === undefined
          ? "this listener has no token that could be sent: set admin.tokenFile"
          : "send Authorization: Bearer and the token of admin.tokenFile",
      ),
  };
}

/** The refusal of a request that does not show who sent it. */
export const unauthorized = (detail: string): AdminRefusal =>
  new AdminRefusal("QSP-UNAUTHENTICATED", { detail, headers: { "WWW-Authenticate": "Bearer" } });

/** Two digests are equally long, so that comparing them tells nothing about the secret. */
export const equalTexts = (one: string, other: string): boolean =>
  timingSafeEqual(digest(one), digest(other));

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

const tokenOf = (request: IncomingMessage): string => bearerTokenIn(request.headers.authorization ?? "");

/** The token in a value of `Authorization`; "" where there is none. RFC 6750 §2.1 */
export const bearerTokenIn = (value: string): string => /^Bearer +(\S+)$/i.exec(value)?.[1] ?? "";

/**
 * Refuses what another page than the console may have sent. A page that reaches this machine under a name of its own looks
 * like the console here, but does not have the token: a browser keeps that for the name under which it was given.
 *
 * @throws AdminRefusal 403
 */
export function refusePages({ headers }: IncomingMessage): void {
  const { host, origin, "sec-fetch-site": site } = headers;
  const isOwn = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
  if (isOwn && (site === undefined || site === "none" || site === "same-origin")) return;
  throw new AdminRefusal("QSP-CROSS-SITE", { detail: "pages of others may not change anything here" });
}
