import * as tls from "node:tls";

/** A frame that came from a server. RFC 9113 §4.1 */
export interface Frame {
  readonly type: "DATA" | "HEADERS" | "RST_STREAM" | "SETTINGS" | "GOAWAY" | "other";
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const types: Readonly<Record<number, Frame["type"]>> = {
  0: "DATA",
  1: "HEADERS",
  3: "RST_STREAM",
  4: "SETTINGS",
  7: "GOAWAY",
};

/** A connection of HTTP/2 on which a test writes what no client library would. */
export interface RawHttp2 {
  readonly frames: readonly Frame[];
  /** Sends a head as it is: names in any case, any number of times. */
  headers(stream: number, fields: readonly (readonly [string, string])[], endStream?: boolean): void;
  reset(stream: number): void;
  /** Resolves with the first frame that satisfies, or with "closed" where the connection ends before. */
  until(satisfies: (frame: Frame) => boolean): Promise<Frame | "closed">;
  close(): void;
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A text with its length, as it is. RFC 7541 §5.2 */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([Buffer.from(bytes.length < 127 ? [bytes.length] : [127, bytes.length - 127]), bytes]);
}

/** Connects to a server of the test on this machine. */
export async function connectRawHttp2(port: number): Promise<RawHttp2> {
  const socket = tls.connect({ host: "127.0.0.1", port, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let rest: Buffer = Buffer.alloc(0);
  let over = false;
  const look = (): void => {
    for (const each of waiting) each();
  };
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      frames.push({
        type: types[rest.readUInt8(3)] ?? "other",
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(9, end),
      });
      rest = rest.subarray(end);
    }
    look();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    over = true;
    look();
  });
  await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(4, 0, 0, Buffer.alloc(0)));
  return {
    frames,
    headers(stream, fields, endStream = true) {
      // Each a literal that is not kept, with a new name. RFC 7541 §6.2.2
      const block = fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]);
      socket.write(frame(1, 4 + (endStream ? 1 : 0), stream, Buffer.concat(block)));
    },
    reset(stream) {
      const payload = Buffer.alloc(4);
      payload.writeUInt32BE(8);
      socket.write(frame(3, 0, stream, payload));
    },
    until: (satisfies) =>
      new Promise((resolve) => {
        const each = (): void => {
          const found = frames.find(satisfies);
          if (found === undefined && !over) return;
          waiting.delete(each);
          resolve(found ?? "closed");
        };
        waiting.add(each);
        each();
      }),
    close: () => void socket.destroy(),
  };
}
