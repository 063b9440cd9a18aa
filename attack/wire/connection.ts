import * as net from "node:net";
import * as tls from "node:tls";

/** A place to connect to. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Where an attack connects from; needed only where the peer's address is what is attacked. */
export interface From {
  readonly localAddress?: string;
}

/** A connection on which an attack decides every byte. */
export interface Connection {
  readonly socket: net.Socket;
  /** Everything that has come, one character a byte. */
  readonly received: string;
  /** Whether the peer has closed or reset it. */
  readonly isClosed: boolean;
  write(bytes: string): void;
  /** Resolves with true once what has come satisfies, false when the peer closed first or the time is over. */
  until(satisfies: (received: string) => boolean, ms: number): Promise<boolean>;
  /** Resolves with true when the connection is over, false when it is not after `ms`. */
  closed(ms: number): Promise<boolean>;
  /** Resolves once nothing more has come for `ms`, or the peer has closed. */
  silent(ms: number): Promise<void>;
  destroy(): void;
}

/** Connects. @throws Error where nothing listens there. */
export async function connectTo(place: Place, from: From = {}): Promise<Connection> {
  const options = { host: place.host, port: place.port, ...from };
  const socket = place.secure
    ? tls.connect({ ...options, servername: net.isIP(place.host) === 0 ? place.host : "" })
    : net.connect(options);
  const connection = watch(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once(place.secure ? "secureConnect" : "connect", () => resolve());
    socket.once("error", reject);
  });
  return connection;
}

function watch(socket: net.Socket): Connection {
  const listeners = new Set<() => void>();
  let received = "";
  let isClosed = false;
  const tell = (): void => {
    for (const each of listeners) each();
  };
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    tell();
  });
  socket.on("error", () => {});
  for (const event of ["end", "close"]) {
    socket.on(event, () => {
      isClosed = true;
      tell();
    });
  }
  /** Resolves with true as soon as `isSo`, false after `ms`. */
  const eventually = (isSo: () => boolean, ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      const end = (outcome: boolean): void => {
        clearTimeout(timer);
        listeners.delete(look);
        resolve(outcome);
      };
      const look = (): void => {
        if (isSo()) end(true);
      };
      const timer = setTimeout(() => end(false), ms);
      listeners.add(look);
      look();
    });
  return {
    socket,
    get received() {
      return received;
    },
    get isClosed() {
      return isClosed;
    },
    write: (bytes) => void socket.write(bytes, "latin1"),
    async until(satisfies, ms) {
      await eventually(() => isClosed || satisfies(received), ms);
      return satisfies(received);
    },
    closed: (ms) => eventually(() => isClosed, ms),
    async silent(ms) {
      let before = received.length;
      while (await eventually(() => isClosed || received.length > before, ms)) {
        if (isClosed) return;
        before = received.length;
      }
    },
    destroy: () => void socket.destroy(),
  };
}
