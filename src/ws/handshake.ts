import { hash } from "node:crypto";

/** Name, value, name, value …, as node's `rawHeaders`. */
type RawHeaders = readonly string[];

/** RFC 6455 §1.3. */
const ACCEPT_SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What is wrong with a handshake request; with 426 belongs `Sec-WebSocket-Version: 13`. */
export interface HandshakeRefusal {
  readonly status: 400 | 426;
  readonly reason: string;
}

/** Checks the opening handshake of a browser, strictly: what can be read in two ways is refused. @see RFC 6455 §4.2.1 */
export function checkHandshakeRequest(
  method: string,
  raw: RawHeaders,
  httpVersion: string,
): { readonly key: string } | HandshakeRefusal {
  if (method !== "GET") return { status: 400, reason: "The method is not GET." };
  if (httpVersion !== "1.1") return { status: 400, reason: "The protocol is not HTTP/1.1." };
  const connection = upgradeProblem(raw);
  if (connection !== null) return { status: 400, reason: connection };
  if (hasBody(raw)) return { status: 400, reason: "The request has a body." };
  const keys = valuesOf(raw, "sec-websocket-key");
  const [key] = keys;
  if (key === undefined || keys.length > 1 || !isKey(key)) {
    return { status: 400, reason: "Sec-WebSocket-Key is not one key of 16 bytes." };
  }
  const versions = valuesOf(raw, "sec-websocket-version");
  if (versions.length > 1) return { status: 400, reason: "Sec-WebSocket-Version is given more than once." };
  if (versions[0] !== "13") return { status: 426, reason: "Sec-WebSocket-Version is not 13." };
  return { key };
}

/** Computes the `Sec-WebSocket-Accept` that belongs to a key. */
export function acceptFor(key: string): string {
  return hash("sha1", key + ACCEPT_SALT, "base64");
}

/** What has been asked of the tenant. */
export interface SentHandshake {
  readonly key: string;
  /** Sub-protocols offered: names, or values of `Sec-WebSocket-Protocol` as they were sent. */
  readonly protocols: readonly string[];
  /** Extensions offered: names, or values of `Sec-WebSocket-Extensions` as they were sent. */
  readonly extensions: readonly string[];
}

/** Checks the tenant's answer to a handshake; gives the reason of its failure, null if it is good. @see RFC 6455 §4.1 */
export function checkHandshakeResponse(status: number, raw: RawHeaders, sent: SentHandshake): string | null {
  if (status !== 101) return `The status is ${status}.`;
  const connection = upgradeProblem(raw);
  if (connection !== null) return connection;
  const accepts = valuesOf(raw, "sec-websocket-accept");
  if (accepts.length !== 1 || accepts[0] !== acceptFor(sent.key)) {
    return "Sec-WebSocket-Accept does not belong to the key.";
  }
  const protocols = valuesOf(raw, "sec-websocket-protocol");
  const [protocol] = protocols;
  const names = sent.protocols.flatMap((value) => value.split(",").map(trimmed));
  const isAsked = protocol === undefined || (isToken(protocol) && names.includes(protocol));
  if (protocols.length > 1 || !isAsked) {
    return "A sub-protocol that was not offered is selected.";
  }
  const offered = new Set(sent.extensions.flatMap((value) => extensionNames(value) ?? []));
  for (const value of valuesOf(raw, "sec-websocket-extensions")) {
    if (extensionNames(value)?.every((name) => offered.has(name)) !== true) {
      return "An extension that was not offered is selected.";
    }
  }
  return null;
}

/** What keeps the headers from being an upgrade to WebSocket. */
function upgradeProblem(raw: RawHeaders): string | null {
  const upgrades = valuesOf(raw, "upgrade");
  if (upgrades.length !== 1 || upgrades[0]?.toLowerCase() !== "websocket") return "Upgrade is not websocket.";
  for (const value of valuesOf(raw, "connection")) {
    if (value.split(",").some((option) => trimmed(option).toLowerCase() === "upgrade")) return null;
  }
  return "Connection does not name Upgrade.";
}

/** Whether the request announces a body, which would be taken for frames. */
function hasBody(raw: RawHeaders): boolean {
  return (
    valuesOf(raw, "transfer-encoding").length > 0 ||
    valuesOf(raw, "content-length").some((length) => length !== "0")
  );
}

/** Whether a text is base64 of 16 bytes: 22 digits and the padding. */
function isKey(text: string): boolean {
  return /^[+/0-9A-Za-z]{22}==$/.test(text);
}

/**
 * The names in an extension list; parameters may be quoted and hold commas. Null for a list that not everybody reads in
 * the same way: with an open quote, a member without a name, or an escape, which no value that is a token needs.
 * @see RFC 6455 §9.1
 */
function extensionNames(value: string): string[] | null {
  const names: string[] = [];
  let start = 0;
  let quoted = false;
  if (value.includes("\\")) return null;
  for (let i = 0; i <= value.length; i += 1) {
    if (value[i] === '"') quoted = !quoted;
    if (i < value.length && (quoted || value[i] !== ",")) continue;
    const name = trimmed(value.slice(start, i).split(";", 1)[0] ?? "");
    if (quoted || !isToken(name)) return null;
    names.push(name);
    start = i + 1;
  }
  return names;
}

/** @see RFC 9110 §5.6.2 */
function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

function valuesOf(raw: RawHeaders, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (isNamed(raw[i] as string, lowerName)) values.push(trimmed(raw[i + 1] as string));
  }
  return values;
}

/** Most names differ in their length already. Earned by: bench handshakes */
function isNamed(name: string, lowerName: string): boolean {
  return name.length === lowerName.length && name.toLowerCase() === lowerName;
}

/** Without blanks and tabs at both ends; `trim` takes a no-break space too, which is a byte like others on the wire. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start += 1;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

const isBlank = (character: string | undefined): boolean => character === " " || character === "\t";
