import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { TenantEmulator } from "./tenant-emulator.ts";
import { listen } from "./listener.ts";
import type { Recording, RecordingFilter } from "./recordings.ts";
import type { Behaviour, Fault } from "./script.ts";

/*
 * The control endpoint: what a local tenant offers in code, over HTTP with JSON, on a port of its own.
 *
 *   GET    /                      origin, certificate, time, modes
 *   GET    /recordings            recorded requests; ?method= &path= &subject= &upgrade= &status=
 *   POST   /recordings/take       the same, and removes them; body = filter
 *   POST   /behaviours            queues a one-shot answer: { method?, path?, subject?, status, headers?, body? }
 *   POST   /faults                injects: { method?, path?, subject?, times?, kind, ... }
 *   DELETE /faults                clears all
 *   GET    /sessions              who has a session
 *   POST   /sessions/expire       { subject? }; so do /sessions/kill and /sessions/rotate; answers { count }
 *   GET    /sockets               open WebSockets
 *   POST   /sockets/close         { subject?, code, reason? }; answers { count }
 *   POST   /sockets/destroy       { subject? }; answers { count }
 *   POST   /users/status          { subject, status: "active" | "disabled" }
 *   PATCH  /modes                 some modes; answers all
 *   POST   /clock/advance         { ms }; answers { now }
 *   POST   /identity-providers    { issuer, keyId, pem, clockToleranceSec? }
 *   POST   /web-integrations      { id, validOrigins }
 *
 * Bodies are `application/json`; requests of web pages (with an Origin) are refused.
 */

/** A control endpoint that listens. */
export interface ControlEndpoint {
  readonly url: string;
  close(): Promise<void>;
}

type Json = Readonly<Record<string, unknown>>;

class WrongRequest extends Error {}

function text(body: Json, name: string): string {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw new WrongRequest(`${name}: a text is needed`);
  return value;
}

function number(body: Json, name: string): number {
  const value = body[name];
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new WrongRequest(`${name}: a number is needed`);
  return value;
}

function optionalSubject(body: Json): string | undefined {
  return body["subject"] === undefined ? undefined : text(body, "subject");
}

function recordingBody(recording: Recording): Json {
  const { at, method, url, httpVersion, headers, upgrade, peer, subject, sessionId, bodyBytes, status } =
    recording;
  const bodyStart = recording.bodyStart.toString("base64");
  return {
    at,
    method,
    url,
    httpVersion,
    headers,
    upgrade,
    peer,
    subject,
    sessionId,
    bodyBytes,
    bodyStart,
    status,
  };
}

function toFilter(given: Json): RecordingFilter {
  const { method, path, subject, upgrade, status } = given;
  return {
    ...(typeof method === "string" ? { method } : {}),
    ...(typeof path === "string" ? { path } : {}),
    ...(typeof subject === "string" ? { subject } : {}),
    ...(upgrade === undefined ? {} : { upgrade: upgrade === true || upgrade === "true" }),
    ...(status === undefined ? {} : { status: Number(status) }),
  };
}

const faultKinds: ReadonlySet<unknown> = new Set([
  "delay",
  "status",
  "throttle",
  "reset",
  "silence",
  "cut",
  "garbage",
  "close",
  "mute",
]);

function toFault(body: Json): Fault {
  if (!faultKinds.has(body["kind"])) throw new WrongRequest(`kind: one of ${[...faultKinds].join(", ")}`);
  const numbers = {
    delay: ["ms"],
    status: ["status"],
    throttle: ["retryAfter"],
    cut: ["afterBytes"],
    close: ["code"],
  };
  for (const name of numbers[body["kind"] as keyof typeof numbers] ?? []) number(body, name);
  return body as unknown as Fault;
}

function toBehaviour(body: Json): Behaviour {
  number(body, "status");
  return body as unknown as Behaviour;
}

type Command = (emulator: TenantEmulator, body: Json) => unknown;

const commands: Readonly<Record<string, Command>> = {
  "GET /": ({ origin, certificate, clock, modes }) => ({ origin, certificate, now: clock.now(), modes }),
  "GET /recordings": (emulator, query) => emulator.recordings(toFilter(query)).map(recordingBody),
  "POST /recordings/take": (emulator, body) => emulator.take(toFilter(body)).map(recordingBody),
  "POST /behaviours": (emulator, body) => emulator.enqueue(toBehaviour(body)),
  "POST /faults": (emulator, body) => emulator.fault(toFault(body)),
  "DELETE /faults": (emulator) => emulator.clearFaults(),
  "GET /sessions": ({ sessions }) => sessions.list(),
  "POST /sessions/expire": ({ sessions }, body) => ({ count: sessions.expire(optionalSubject(body)) }),
  "POST /sessions/kill": ({ sessions }, body) => ({ count: sessions.kill(optionalSubject(body)) }),
  "POST /sessions/rotate": ({ sessions }, body) => ({ count: sessions.rotateCookie(optionalSubject(body)) }),
  "GET /sockets": ({ sockets }) => sockets.list(),
  "POST /sockets/close": ({ sockets }, body) => {
    const subject = optionalSubject(body);
    const reason = body["reason"];
    return {
      count: sockets.close({
        code: number(body, "code"),
        ...(subject === undefined ? {} : { subject }),
        ...(typeof reason === "string" ? { reason } : {}),
      }),
    };
  },
  "POST /sockets/destroy": ({ sockets }, body) => {
    const subject = optionalSubject(body);
    return { count: sockets.destroy(subject === undefined ? {} : { subject }) };
  },
  "POST /users/status": ({ users }, body) => {
    const status = text(body, "status");
    if (status !== "active" && status !== "disabled") throw new WrongRequest("status: active or disabled");
    users.setStatus(text(body, "subject"), status);
  },
  "PATCH /modes": ({ modes }, body) => {
    for (const name of Object.keys(body))
      if (!(name in modes)) throw new WrongRequest(`${name}: there is no such mode`);
    return Object.assign(modes, body);
  },
  "POST /clock/advance": ({ clock }, body) => {
    clock.advance(number(body, "ms"));
    return { now: clock.now() };
  },
  "POST /identity-providers": (emulator, body) => {
    const tolerance = body["clockToleranceSec"];
    emulator.addIdentityProvider({
      issuer: text(body, "issuer"),
      keyId: text(body, "keyId"),
      pem: text(body, "pem"),
      ...(typeof tolerance === "number" ? { clockToleranceSec: tolerance } : {}),
    });
  },
  "POST /web-integrations": (emulator, body) => {
    const origins = body["validOrigins"];
    if (!Array.isArray(origins)) throw new WrongRequest("validOrigins: a list is needed");
    emulator.addWebIntegration({ id: text(body, "id"), validOrigins: origins.map(String) });
  },
};

async function readJson(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return {};
  if (request.headers["content-type"]?.split(";")[0] !== "application/json")
    throw new WrongRequest("content-type: application/json is needed");
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  } catch {
    // Falls through to the same complaint.
  }
  throw new WrongRequest("body: a JSON object is needed");
}

async function run(
  emulator: TenantEmulator,
  request: IncomingMessage,
): Promise<{ status: number; value?: unknown }> {
  // A page in a browser can reach any port of its machine; nothing here is meant for pages.
  if (request.headers.origin !== undefined) return { status: 403, value: { error: "not for web pages" } };
  const [path = "", query] = (request.url ?? "/").split("?");
  const command = commands[`${request.method} ${path}`];
  if (command === undefined) return { status: 404, value: { error: "no such command" } };
  try {
    const body = { ...Object.fromEntries(new URLSearchParams(query)), ...(await readJson(request)) };
    const value = command(emulator, body);
    return value === undefined ? { status: 204 } : { status: 200, value };
  } catch (error) {
    if (error instanceof WrongRequest) return { status: 400, value: { error: error.message } };
    throw error;
  }
}

function answer(response: ServerResponse, { status, value }: { status: number; value?: unknown }): void {
  if (value === undefined) response.writeHead(status).end();
  else response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

/** Opens the control endpoint of a tenant on 127.0.0.1. */
export async function createControlEndpoint(
  emulator: TenantEmulator,
  port: number,
): Promise<ControlEndpoint> {
  const server = createServer((request, response) => {
    run(emulator, request).then(
      (outcome) => answer(response, outcome),
      () => response.destroy(),
    );
  });
  const listening = await listen(server, port, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${listening}`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
