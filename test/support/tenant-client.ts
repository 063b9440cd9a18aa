import { EventEmitter, once } from "node:events";
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { request as plainRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { WebSocket } from "ws";
import type { TenantEmulator } from "../../src/emulator.ts";

/** One request; the body is sent as it is. */
export interface TenantRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

/** A whole answer. */
export interface TenantAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Name and value of each line, in their order. */
  readonly rawHeaders: readonly string[];
  readonly setCookies: readonly string[];
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON. */
  json<T = Record<string, unknown>>(): T;
}

/** The parts of a tenant that a request needs. */
export type TenantAddress = Pick<TenantEmulator, "origin" | "hostname" | "port" | "certificate">;

function connectionOptions(tenant: TenantAddress): RequestOptions & { ca?: string; servername?: string } {
  return {
    host: "127.0.0.1",
    port: tenant.port,
    agent: false,
    ...(tenant.certificate === undefined ? {} : { ca: tenant.certificate, servername: tenant.hostname }),
  };
}

/** Sends a request to the tenant by its own name and hands over the answer while it comes. */
export function openRequest(tenant: TenantAddress, asked: TenantRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = tenant.certificate === undefined ? plainRequest : tlsRequest;
    const headers: Record<string, string | string[]> = { host: new URL(tenant.origin).host };
    for (const [name, value] of Object.entries(asked.headers ?? {}))
      headers[name] = typeof value === "string" ? value : [...value];
    if (asked.body !== undefined) headers["content-length"] = String(Buffer.byteLength(asked.body));
    const request = start({
      ...connectionOptions(tenant),
      method: asked.method ?? "GET",
      path: asked.path,
      headers,
    });
    request.once("response", resolve);
    request.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    request.once("error", reject);
    request.end(asked.body);
  });
}

/** Sends a request and reads the whole answer. */
export async function ask(tenant: TenantAddress, asked: TenantRequest): Promise<TenantAnswer> {
  const response = await openRequest(tenant, asked);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    setCookies: response.headers["set-cookie"] ?? [],
    body,
    text: body.toString("utf8"),
    json: <T>() => JSON.parse(body.toString("utf8")) as T,
  };
}

/** Makes the `Cookie` header that sends back what `Set-Cookie` lines set. */
export function cookieHeader(setCookies: readonly string[]): string {
  return setCookies.map((line) => line.split(";", 1)[0]).join("; ");
}

/** A key that may sign login tokens, and the identity provider that takes them. */
export interface Issuer {
  readonly issuer: string;
  readonly keyId: string;
  readonly pem: string;
  readonly privateKey: KeyObject;
  /** The private key as PKCS#8 PEM. */
  readonly privateKeyPem: string;
}

/** Makes an issuer with a key of its own. */
export function createIssuer(
  kind: { readonly rsa: number } | { readonly curve: "P-256" | "P-384" } = { rsa: 2048 },
  issuer = "acme-portal",
): Issuer {
  const { publicKey, privateKey } =
    "rsa" in kind
      ? generateKeyPairSync("rsa", { modulusLength: kind.rsa })
      : generateKeyPairSync("ec", { namedCurve: kind.curve });
  return {
    issuer,
    keyId: `key-${randomUUID()}`,
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    privateKey,
    privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** What a token says; `undefined` leaves a claim out. */
export type Claims = Readonly<Record<string, unknown>>;

/** The claims of a login that a tenant takes (facts §1.3), with changes. */
export function loginClaims(issuer: Issuer, now: number, changes: Claims = {}): Record<string, unknown> {
  const seconds = Math.floor(now / 1000);
  return {
    iss: issuer.issuer,
    aud: "qlik.api/login/jwt-session",
    sub: "ada@example.test",
    subType: "user",
    name: "Ada Lindqvist",
    email: "ada@example.test",
    email_verified: true,
    groups: ["Sales EMEA"],
    jti: randomUUID(),
    iat: seconds - 30,
    nbf: seconds - 30,
    exp: seconds + 120,
    ...changes,
  };
}

const hashes: Readonly<Record<string, string>> = {
  RS256: "sha256",
  RS384: "sha384",
  RS512: "sha512",
  ES256: "sha256",
  ES384: "sha384",
};

/** Signs claims as they are, whatever they say. */
export function signToken(issuer: Issuer, claims: Claims, header: Claims = {}): string {
  const whole = { alg: "RS256", typ: "JWT", kid: issuer.keyId, ...header };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${encode(whole)}.${encode(claims)}`;
  const signature = sign(hashes[String(whole.alg)] ?? "sha256", Buffer.from(input), {
    key: issuer.privateKey,
    dsaEncoding: "ieee-p1363",
  });
  return `${input}.${signature.toString("base64url")}`;
}

/** Sends a login token. */
export function logInWith(
  tenant: TenantAddress,
  token: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TenantAnswer> {
  return ask(tenant, {
    method: "POST",
    path: "/login/jwt-session",
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
}

/** Someone with a session at the tenant. */
export interface SignedIn {
  readonly cookie: string;
  /** Sends a request with the cookies. */
  ask(asked: TenantRequest): Promise<TenantAnswer>;
  /** Fetches a new CSRF token. */
  csrfToken(): Promise<string>;
  /** Sends a write: the cookies and a CSRF token. */
  write(asked: TenantRequest): Promise<TenantAnswer>;
}

/** Logs in with claims of the issuer's; fails if the tenant refuses. */
export async function signIn(
  tenant: TenantAddress & Pick<TenantEmulator, "clock">,
  issuer: Issuer,
  changes: Claims = {},
): Promise<SignedIn> {
  const answer = await logInWith(tenant, signToken(issuer, loginClaims(issuer, tenant.clock.now(), changes)));
  if (answer.status !== 200) throw new Error(`The tenant refused the login: ${answer.status} ${answer.text}`);
  return withCookies(tenant, cookieHeader(answer.setCookies));
}

/** Makes a client that sends these cookies. */
export function withCookies(tenant: TenantAddress, cookie: string): SignedIn {
  const send = (asked: TenantRequest): Promise<TenantAnswer> =>
    ask(tenant, { ...asked, headers: { cookie, ...asked.headers } });
  const csrfToken = async (): Promise<string> =>
    String((await send({ path: "/api/v1/csrf-token" })).headers["qlik-csrf-token"]);
  return {
    cookie,
    ask: send,
    csrfToken,
    async write(asked) {
      return send({ ...asked, headers: { "qlik-csrf-token": await csrfToken(), ...asked.headers } });
    },
  };
}

/** A WebSocket to the tenant, everything it receives kept. */
export interface TenantSocket {
  readonly socket: WebSocket;
  /** Messages so far, as text. */
  readonly messages: readonly string[];
  /** Resolves with message number `index`, the first being 0. */
  message(index: number): Promise<string>;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** An upgrade that was answered without 101. */
export interface RefusedUpgrade {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** Asks for a WebSocket. */
export function openSocket(
  tenant: TenantAddress,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TenantSocket | RefusedUpgrade> {
  const scheme = tenant.certificate === undefined ? "ws" : "wss";
  const socket = new WebSocket(`${scheme}://127.0.0.1:${tenant.port}${path}`, {
    headers: { host: new URL(tenant.origin).host, ...headers },
    ...(tenant.certificate === undefined ? {} : { ca: tenant.certificate, servername: tenant.hostname }),
  });
  const messages: string[] = [];
  const waiting = new EventEmitter();
  socket.on("message", (data: Buffer) => {
    messages.push(data.toString("utf8"));
    waiting.emit("message");
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") }));
  });
  async function message(index: number): Promise<string> {
    while (messages[index] === undefined) await once(waiting, "message");
    return messages[index];
  }
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve({ socket, messages, message, closed }));
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
  });
}
