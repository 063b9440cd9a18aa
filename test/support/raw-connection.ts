import * as net from "node:net";

/** A connection on which a test decides every byte and every moment. */
export interface RawConnection {
  readonly socket: net.Socket;
  /** What has come so far, one character a byte. */
  readonly received: string;
  write(bytes: Buffer | string): void;
  /** Resolves with everything that has come, once `satisfies` it or the peer has closed. */
  until(satisfies: (received: string) => boolean): Promise<string>;
  /** Resolves when the connection is over; true where it was reset. */
  readonly closed: Promise<boolean>;
}

/** Connects to a server of the test. */
export function connectTo(origin: string): Promise<RawConnection> {
  const socket = net.connect(Number(new URL(origin).port), "127.0.0.1");
  const waiting = new Set<() => void>();
  let received = "";
  let over = false;
  let reset = false;
  const look = (): void => {
    for (const each of waiting) each();
  };
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    look();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    reset ||= error.code === "ECONNRESET" || error.code === "EPIPE";
  });
  const closed = new Promise<boolean>((resolve) =>
    socket.on("close", () => {
      over = true;
      look();
      resolve(reset);
    }),
  );
  const connection: RawConnection = {
    socket,
    closed,
    get received() {
      return received;
    },
    write: (bytes) => void socket.write(bytes),
    until: (satisfies) =>
      new Promise((resolve) => {
        const each = (): void => {
          if (!over && !satisfies(received)) return;
          waiting.delete(each);
          resolve(received);
        };
        waiting.add(each);
        each();
      }),
  };
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(connection));
    socket.once("error", reject);
  });
}

/** The head of a request below the prefix, as the browser of `ann` sends it from our own page. */
export function requestHead(origin: string, line: string, headers: readonly string[] = []): string {
  const standing = [`Host: ${new URL(origin).host}`, "Sec-Fetch-Site: same-origin", "x-test-user: ann"];
  return `${[line, ...standing, ...headers].join("\r\n")}\r\n\r\n`;
}
