import type { IncomingMessage } from "node:http";
import type { Answer, HeaderLine } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import type { Route } from "../router.ts";
import type { UserSession } from "../sessions.ts";

/** What kind of tenant it is: how it knows whose a request is. */
export type TenantEmulatorKind = "qlik-cloud-jwt" | "qlik-cloud-oauth" | "qlik-sense-jwt";

/** Whose a request is; or why it is nobody's, whatever it asks for. */
export interface Found {
  readonly session?: UserSession | undefined;
  readonly refused?: Answer;
}

/** An upgrade before it is let in. */
export interface AskedUpgrade {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly session: UserSession | undefined;
}

/** How one kind of tenant knows whose a request is, and what it refuses. */
export interface Access {
  readonly kind: TenantEmulatorKind;
  /** Ways to sign in and out that this kind has beside the interactive ones. */
  readonly routes: readonly Route[];
  /** What `product-info.json` says (facts §6.1). */
  readonly deploymentType: string;
  /** What a socket says after the client's first message; nothing by default. */
  readonly socketGreeting?: (session: UserSession) => string;
  /** The path that everything is below; "" where there is none. */
  readonly base: string;
  /** The path within the tenant; undefined for one beside it. */
  locate(path: string): string | undefined;
  /** Finds the session that a request shows; some kinds begin one. */
  find(request: IncomingMessage): Found;
  /** Cookies of a session that the client has not been told yet. */
  newCookies(session: UserSession): readonly HeaderLine[];
  /** Refuses a request that shows whose it is, but not as this kind wants it. */
  refuse(exchange: Exchange & { readonly session: UserSession }): Answer | undefined;
  /** Refuses an upgrade. */
  refuseUpgrade(upgrade: AskedUpgrade): Answer | undefined;
}

/** Methods that change nothing. */
export const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** The token of an `Authorization` header. */
export const bearerOf = (request: IncomingMessage): string | undefined =>
  /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];

/** The first value of a header. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
