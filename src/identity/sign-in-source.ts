import type { IncomingMessage } from "node:http";
import type { Clock } from "../kernel/clock.ts";
import type { Seal } from "../store/seal.ts";
import type { Identity, Named } from "./identity.ts";

/** An identity source that signs people in itself, where others ask the host application; it has own routes for that. */
export interface SignInSource {
  /** Who is signed in at the browser of a request. @throws SessionProxyError `QSP-STORE` */
  identify(request: IncomingMessage): Named;
  /**
   * Answers an own route of its own: a person to be sent on by a page of ours, or an answer to a machine.
   *
   * @throws SessionProxyError
   */
  answer(route: string, request: IncomingMessage, query: string): Promise<Onward | MachineAnswer>;
  /** Sends a person to where they prove who they are. @throws SessionProxyError `QSP-IDENTITY` */
  begin(request: IncomingMessage, wish: SignInWish): Promise<Onward>;
  /** Forgets who is signed in at a browser. @throws SessionProxyError `QSP-STORE` */
  end(request: IncomingMessage): Promise<SignedOut>;
  /** Values of `Set-Cookie` that take away what says nothing, for an answer to somebody who is not signed in. */
  tidy(request: IncomingMessage): readonly string[];
  close(): void;
}

/** What a person who is sent to sign in wants. */
export interface SignInWish {
  /** Where they go from there: an address of ours or of a listed origin. */
  readonly returnTo: string;
  /** Whether a proof from before does not count, because what it opened was ended. */
  readonly afresh: boolean;
}

/** Where a person goes next, and the values of `Set-Cookie` that go with them. */
export interface Onward {
  readonly to: string;
  readonly setCookies: readonly string[];
}

/** What is left of a person who is signed out here. */
export interface SignedOut {
  /** Where whoever signed them in ends its own session; null where it does not. */
  readonly to: string | null;
  readonly setCookies: readonly string[];
}

/** An own route of such a source. */
export interface SignInRoute {
  readonly method: "GET" | "POST";
  /** How the site guard looks at it. rules R4 */
  readonly guardedAs: "callback" | "backchannel-logout";
}

/** An answer to a machine; the reason of a refusal is for the log. */
export interface MachineAnswer {
  readonly status: number;
  /** Written as JSON; no body without. */
  readonly json?: Readonly<Record<string, string>>;
}

/** What the proxy lends to such a source. */
export interface SignInHouse {
  readonly clock: Clock;
  /** Seals cookies. */
  readonly seal: Seal;
  readonly documents: SealedDocuments;
  /** What the browser sees: origin, and prefix without slash at the end. */
  readonly publicOrigin: string;
  readonly prefix: string;
  readonly tenantOrigin: string;
  /** How long somebody stays signed in. Milliseconds. */
  readonly lifetime: number;
  /** How long the signed-in are believed while the store is away. Milliseconds. */
  readonly storeGrace: number;
  /** Milliseconds for one call of another server. */
  readonly timeout: number;
  /** Whether the proof behind an identity counts, or was overtaken by an end. @throws SessionProxyError */
  admits(identity: Identity): Promise<boolean>;
  /** Ends the content of one sign-in on every node; its session id does not work again. @throws SessionProxyError */
  logout(identity: Identity): Promise<void>;
  /** Ends everything of a subject on every node. @throws SessionProxyError */
  revoke(subject: string): Promise<void>;
  /** A subject as log lines show it. */
  hashOf(subject: string): string | null;
}

/** Documents that all nodes share and nobody else can read. */
export interface SealedDocuments {
  /** @throws SessionProxyError `QSP-STORE` */
  read(name: string): Promise<DocumentReading>;
  /** Changes a document by compare and swap; without `text` nothing is written. @throws SessionProxyError `QSP-STORE` */
  change<T>(name: string, step: (reading: DocumentReading) => DocumentChange<T>): Promise<T>;
}

/** A document that was read. */
export interface DocumentReading {
  /** Null where there is none. */
  readonly text: string | null;
  /** The store's clock. */
  readonly now: number;
  /** This node's clock minus the store's; add it to a time of the store. */
  readonly offset: number;
}

/** A step from one state of a document to the next. */
export interface DocumentChange<T> {
  readonly text?: string;
  readonly outcome: T;
  /** Milliseconds that the document is kept, where that is longer than the content of a sign-in. */
  readonly keepFor?: number;
}
