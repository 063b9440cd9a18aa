import type { IncomingMessage } from "node:http";
import type { Named } from "./identity.ts";
import type { SignInHouse, SignInRoute, SignInSource } from "./sign-in-source.ts";

/**
 * Says who the user of a request is, null for nobody. A source of ours can do more than a function of a host.
 *
 * It throws `QSP-UNAUTHENTICATED` for nobody where the log should say why, and `QSP-IDENTITY` where it cannot be known.
 */
export interface Identify {
  (request: IncomingMessage): Named;
  /** The same, with a word that was given after `since` (milliseconds); only where words are remembered. rules R1 */
  readonly givenAfter?: (request: IncomingMessage, since: number) => Named;
  /** What a source that signs people in itself is in a proxy; it is asked there, and not here. */
  readonly openIn?: (house: SignInHouse) => SignInSource;
  /** The same text for the same settings, so that a reload knows a source that it need not make anew. */
  readonly madeOf?: string;
  /** Lets go of what the source holds open; questions under way are still answered. */
  readonly close?: () => void;
  /** Its settings, where they hold for the life of a process. */
  readonly fixed?: unknown;
  /** Own routes of such a source, by what stands behind `_session/` in their path. */
  readonly ownRoutes?: ReadonlyMap<string, SignInRoute>;
}
