import type { RawHeaders } from "../../http/raw-headers.ts";
import { isSameSite } from "../../http/site-guard.ts";

/** Someone who may send a request, and what their browser would say about itself. */
export interface Sender {
  readonly who: string;
  readonly upgrade: boolean;
  /** Names and values in turn; all but `Host`. */
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

/** What browsers say whatever they ask for; the cookie is one of the app's. */
const usual: RawHeaders = [
  "User-Agent",
  "Mozilla/5.0",
  "Accept",
  "*/*",
  "Accept-Language",
  "en",
  "Accept-Encoding",
  "gzip, deflate, br, zstd",
  "Cookie",
  "app=1",
];

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
  if (upgrade) return [...usual, ...handshake, "Origin", origin];
  const named = origin !== own || !isRead(method) ? ["Origin", origin] : [];
  return [...usual, ...named, ...refererOf(origin), ...metadata(siteOf(origin, own), "cors", "empty")];
}

const refererOf = (origin: string): RawHeaders => (origin === "null" ? [] : ["Referer", `${origin}/`]);

/** What a browser says of how an origin is related to ours. */
function siteOf(origin: string, own: string): "same-origin" | "same-site" | "cross-site" {
  if (origin === own) return "same-origin";
  return isSameSite(origin, own) ? "same-site" : "cross-site";
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
    ...listed.flatMap((origin) => [
      page(`${upgrade ? "a socket" : "a fetch"} of ${origin}`, origin, upgrade),
      ...loadsOf(`on ${origin}`, origin, asked),
    ]),
    ...(upgrade ? [] : othersOf(asked)),
    page(upgrade ? "a socket of another site" : "a fetch of another site", elsewhere, upgrade),
    program,
    ...(upgrade ? [] : [page("a socket of your page, there", own, true)]),
  ];
}

/** What browsers do by themselves: type, follow, frame, load, submit. */
function othersOf(asked: AskedFor): readonly Sender[] {
  if (asked.method === "POST")
    return [
      byItself("a form on another site", [
        "Origin",
        elsewhere,
        ...metadata("cross-site", "navigate", "document"),
      ]),
    ];
  if (!isRead(asked.method)) return [];
  return [
    byItself("a typed address", metadata("none", "navigate", "document")),
    ...loadsOf("on another site", elsewhere, asked),
  ];
}

/** What a page makes its browser load without a script: it names no origin, and at most says where it stands. rules R4 */
function loadsOf(where: string, origin: string, { method, upgrade, own }: AskedFor): readonly Sender[] {
  if (upgrade || !isRead(method)) return [];
  const site = siteOf(origin, own);
  const load = (what: string, mode: string, dest: string): Sender =>
    byItself(`${what} ${where}`, [...refererOf(origin), ...metadata(site, mode, dest)]);
  return [
    load("a link", "navigate", "document"),
    load("a frame", "navigate", "iframe"),
    load("an image or script", "no-cors", "image"),
  ];
}

const byItself = (who: string, headers: RawHeaders): Sender => ({
  who,
  upgrade: false,
  headers: [...usual, ...headers],
});
