import { once } from "node:events";
import { type RawData, WebSocket } from "ws";

/** A message of the engine. */
export interface EngineMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly parameter: string; readonly message: string };
  readonly change?: readonly number[];
  readonly close?: readonly number[];
}

/** A client that shows every message as it came. */
export interface RawClient {
  readonly socket: WebSocket;
  /** Everything received so far. */
  readonly messages: readonly EngineMessage[];
  /** Sends a call and waits for its answer. */
  call(method: string, params?: unknown, handle?: number): Promise<EngineMessage>;
  /** Waits until a message fits, looking at those received already first. */
  until(fits: (message: EngineMessage) => boolean): Promise<EngineMessage>;
  close(): Promise<void>;
}

/** Opens a socket to an engine and waits for its first message. */
export async function connectRaw(url: string, options: object = {}): Promise<RawClient> {
  const socket = new WebSocket(url, options);
  const messages: EngineMessage[] = [];
  const waiting = new Set<() => void>();
  let lastId = 0;
  socket.on("message", (data: RawData) => {
    messages.push(JSON.parse((data as Buffer).toString("utf8")) as EngineMessage);
    for (const wake of waiting) wake();
  });
  async function until(fits: (message: EngineMessage) => boolean): Promise<EngineMessage> {
    for (;;) {
      const found = messages.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      });
    }
  }
  const client: RawClient = {
    socket,
    messages,
    until,
    call(method, params = [], handle = -1) {
      const id = ++lastId;
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, handle, method, params, delta: true }));
      return until((message) => message.id === id);
    },
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close();
      await once(socket, "close");
    },
  };
  await until(({ method }) => method === "OnConnected");
  return client;
}

/** The handle in the answer to a call that gives a thing. */
export function handleIn(message: EngineMessage): number {
  const reference = message.result?.["qReturn"] as { readonly qHandle: number } | undefined;
  if (reference === undefined) throw new TypeError(`no reference in ${JSON.stringify(message)}`);
  return reference.qHandle;
}

/** How a socket was closed: its code and the reason as sent. */
export async function closing(
  socket: WebSocket,
): Promise<{ readonly code: number; readonly reason: string }> {
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return { code, reason: reason.toString("utf8") };
}
