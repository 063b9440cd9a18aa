import type { RawHeaders } from "../../http/raw-headers.ts";

/** Someone who may send a request, and what their browser would say about itself. */
export interface Sender {
  readonly who: string;
  readonly upgrade: boolean;
  /** Names and values in turn, without those that every request has. */
  readonly headers: RawHeaders;
}

/** What is being asked for, and from where it may come. */
export interface AskedFor {
  readonly method: string;
  readonly upgrade: boolean;
  /** The origin that browsers see us under. */
  readonly own: string;
  /** Other origins that are listed. */
  readonly listed: readonly string[];
}

/** A site that nobody lists: the name is reserved. @see RFC 2606 */
const elsewhere = "https://elsewhere.example";

/** A handshake as browsers write it. @see RFC 6455 §4.1 */
const handshake: RawHeaders = [
  "Connection",
  "Upgrade",
  "Upgrade",
  "websocket",
  "Sec-WebSocket-Version",
  "13",
  "Sec-WebSocket-Key",
  "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Extensions",
  "permessage-deflate; client_max_window_bits",
];

const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

const metadata = (site: string, mode: string, dest: string): RawHeaders => [
  "Sec-Fetch-Site",
  site,
  "Sec-Fetch-Mode",
  mode,
  "Sec-Fetch-Dest",
  dest,
];

/** A page of an origin asks by script. Browsers name its origin where it is not ours, and wherever something may change. */
export function fromPage(origin: string, { method, upgrade, own }: AskedFor): RawHeaders {
  // Chromium tells no more of a socket. rules R4
  if (upgrade) return [...handshake, "Origin", origin];
  const site = origin === own ? "same-origin" : "cross-site";
  const named = origin !== own || !isRead(method) ? ["Origin", origin] : [];
  const referer = origin === "null" ? [] : ["Referer", `${origin}/`];
  return [...named, ...referer, ...metadata(site, "cors", "empty")];
}

/** Those who may ask for something, the ones that should pass first. rules R4 */
export function sendersOf(asked: AskedFor): readonly Sender[] {
  const { upgrade, own, listed } = asked;
  const page = (who: string, origin: string, socket: boolean): Sender => ({
    who,
    upgrade: socket,
    headers: fromPage(origin, { ...asked, upgrade: socket }),
  });
  const program: Sender = { who: "a program, no browser", upgrade, headers: upgrade ? handshake : [] };
  return [
    page(upgrade ? "a socket of your page" : "a fetch of your page", own, upgrade),
    ...listed.map((origin) => page(`${upgrade ? "a socket" : "a fetch"} of ${origin}`, origin, upgrade)),
    ...(upgrade ? [] : othersOf(asked)),
    page(upgrade ? "a socket of another site" : "a fetch of another site", elsewhere, upgrade),
    program,
    ...(upgrade ? [] : [page("a socket of your page, there", own, true)]),
  ];
}

/** What browsers do by themselves: type, follow, frame, load, submit. */
function othersOf({ method }: AskedFor): readonly Sender[] {
  const sender = (who: string, headers: RawHeaders): Sender => ({ who, upgrade: false, headers });
  if (method === "POST") {
    const form = ["Origin", elsewhere, ...metadata("cross-site", "navigate", "document")];
    return [sender("a form on another site", form)];
  }
  if (!isRead(method)) return [];
  return [
    sender("a typed address", metadata("none", "navigate", "document")),
    sender("a link on another site", metadata("cross-site", "navigate", "document")),
    sender("a frame on another site", metadata("cross-site", "navigate", "iframe")),
    sender("an image on another site", metadata("cross-site", "no-cors", "image")),
  ];
}
