import type { Doc, Global } from "@qlik/api/qix";
import enigma from "enigma.js";
import schema from "enigma.js/schemas/12.2027.0.json" with { type: "json" };
import { WebSocket } from "ws";

/** What `closed` and `suspended` bring. */
export interface EnigmaClosing {
  readonly code?: number;
  readonly reason?: string;
  readonly initiator?: string;
}

/** A session of enigma.js; what its schema makes at run time is typed by the vendor's other client. */
export interface EnigmaSession {
  open(): Promise<Global>;
  close(): Promise<void>;
  suspend(): Promise<void>;
  resume(onlyIfAttached?: boolean): Promise<void>;
  /** Sends a call that the schema does not know. */
  send(call: { readonly handle: number; readonly method: string; readonly params: object }): Promise<object>;
  on(event: "closed" | "suspended", listener: (event: EnigmaClosing) => void): void;
  on(event: "resumed" | "opened", listener: () => void): void;
  on(event: "notification:OnConnected", listener: (params: { readonly qSessionState: string }) => void): void;
  on(event: "notification:OnEmulatorFrame", listener: (params: { readonly filling: string }) => void): void;
}

/** Where a session of enigma.js goes, and as whom. */
export interface EnigmaTarget {
  /** Address of the proxy, prefix included. */
  readonly host: string;
  /** App id, then `/identity/…` and `/ttl/…` if wanted. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Certificate of the host, where it is none that everybody knows. */
  readonly ca?: string;
  /** Delta protocol; on by default, as the client has it. */
  readonly delta?: boolean;
  /** Whether a loss suspends the session instead of closing it; false by default, as the client has it. */
  readonly suspendOnClose?: boolean;
}

/** A session of enigma.js and the sockets it opened. */
export interface Enigma {
  readonly session: EnigmaSession;
  /** In the order they were opened; the last one is in use. */
  readonly sockets: readonly WebSocket[];
  /** The engine's words on each connection, `SESSION_CREATED` or `SESSION_ATTACHED`. */
  readonly states: readonly string[];
}

/** Creates a session of enigma.js that is not open yet. */
export function createEnigma(target: EnigmaTarget): Enigma {
  const sockets: WebSocket[] = [];
  const states: string[] = [];
  const session = enigma.create({
    schema,
    url: `${target.host.replace(/^http/, "ws")}/app/${target.path}`,
    createSocket(url: string) {
      const { headers, ca } = target;
      const socket = new WebSocket(url, { headers, maxPayload: 100_000_000, ...(ca ? { ca } : {}) });
      sockets.push(socket);
      return socket;
    },
    protocol: { delta: target.delta ?? true },
    suspendOnClose: target.suspendOnClose ?? false,
  } as never) as unknown as EnigmaSession;
  session.on("notification:OnConnected", ({ qSessionState }) => states.push(qSessionState));
  return { session, sockets, states };
}

/** Opens a session and its app. */
export async function openEnigma(target: EnigmaTarget): Promise<Enigma & { readonly doc: Doc }> {
  const client = createEnigma(target);
  const global = await client.session.open();
  const [appId = ""] = target.path.split("/");
  return { ...client, doc: await global.openDoc(decodeURIComponent(appId)) };
}

/** Resolves with the next event of a kind. */
export function nextEvent(session: EnigmaSession, event: "closed" | "suspended"): Promise<EnigmaClosing> {
  return new Promise((resolve) => session.on(event, resolve));
}

/** What the client says about a connection it could not get: the words of the socket's own error. */
export async function refusalOf(connecting: Promise<unknown>): Promise<string | undefined> {
  try {
    await connecting;
    return undefined;
  } catch (error) {
    // The client hands the socket's event on as `original`; its message is a getter of the prototype.
    const event = (error as { readonly original?: { readonly message?: string } }).original;
    return (event ?? (error as Error)).message;
  }
}
