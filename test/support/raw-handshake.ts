import { sendBytes } from "./raw-client.ts";

/** How a handshake differs from that of a browser on our own page. */
export interface HandshakeChange {
  /** The whole request target; an app's below `/qlik` by default. */
  readonly target?: string;
  /** Headers by name: another value, one line for each of several, none for null. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** Comes in the same packet, behind the head. */
  readonly behind?: string;
}

/** The key of every raw handshake, and the value that accepts it. RFC 6455 §1.3 */
const sampleKey = "dGhlIHNhbXBsZSBub25jZQ==";
const sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** The head of a 101 that fits a raw handshake; further header lines come before its end. */
export const switching = (...lines: readonly string[]): string =>
  `${[
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${sampleAccept}`,
    ...lines,
  ].join("\r\n")}\r\n\r\n`;

/** The bytes of a handshake by `ann` from our own page, with changes. */
export function handshake(origin: string, { target, headers, behind = "" }: HandshakeChange = {}): string {
  const all = {
    host: new URL(origin).host,
    origin,
    "x-test-user": "ann",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": sampleKey,
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((each) => `${name}: ${each}`),
  );
  return `${[`GET ${target ?? "/qlik/app/some-app"} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n${behind}`;
}

/** What came back for a handshake, up to the end of the connection or of the head of a 101. */
export interface HandshakeAnswer {
  readonly status: number;
  /** Everything that came. */
  readonly text: string;
  /** Whether the proxy ended the connection. */
  readonly closed: boolean;
}

/** Sends a handshake and leaves with what comes first: a refusal to its end, or the head of a 101. */
export async function shakeHands(origin: string, change?: HandshakeChange): Promise<HandshakeAnswer> {
  const isOpened = (text: string): boolean => /^HTTP\/1\.1 101 [^]*\r\n\r\n/.test(text);
  const { text, closed } = await sendBytes(origin, handshake(origin, change), isOpened);
  return { status: Number(text.slice(9, 12)), text, closed };
}
