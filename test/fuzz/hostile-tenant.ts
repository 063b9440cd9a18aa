import { createHash } from "node:crypto";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { markOf, properAnswer, standIn, writeAnswer } from "./answers.ts";
import { labelOf, type FuzzCase, type Move, type Step, type Trigger } from "./fuzz-case.ts";
import { decodeFrame, encodeFrame } from "./frames.ts";
import { bodyLength, problemOf, readHead, valuesOf, type SeenHead } from "./lenient-request.ts";
import { smuggledPath } from "./requests.ts";

/** What the tenant saw of one case. */
export interface TenantView {
  readonly asked: Record<Trigger, number>;
  /** Bytes that came over a socket of the case after its 101. */
  socketBytes: number;
}

/** Whom a request is from, as far as it says. */
export interface Asker {
  readonly subject: string;
  /** With the number of the case, where it has one. */
  readonly path: string;
}

/** A tenant on raw sockets that does what a case says, and believes every byte. */
export interface HostileTenant {
  readonly origin: string;
  readonly port: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Logins that were answered properly, and others. */
  readonly logins: { proper: number; hostile: number };
  /** What is wrong with a request that came: it would be a hole of ours. */
  onBreach(listener: (what: string, asker: Asker) => void): void;
  /** Answers a case from now on; the returned function ends that. */
  play(fuzzCase: FuzzCase): { readonly view: TenantView; readonly over: () => void };
  close(): Promise<void>;
}

interface Part {
  readonly fuzzCase: FuzzCase;
  readonly view: TenantView;
}

/** Keeps the numbers of sessions apart: a digit that a case changes must not make it another user's. Has no factor 2 or 5. */
const spread = 765_432_109;

/** Sessions that are remembered; older ones have ended long ago. */
const mostSessions = 20_000;

const noneAsked = (): Record<Trigger, number> => ({
  login: 0,
  csrf: 0,
  probe: 0,
  rest: 0,
  static: 0,
  upgrade: 0,
  logout: 0,
});

/** What all connections of one tenant share. */
class Stage {
  readonly parts = new Map<string, Part>();
  readonly logins = { proper: 0, hostile: 0 };
  readonly #sessions = new Map<string, string>();
  #begun = 0;
  #refusedLast = false;
  breached: (what: string, asker: Asker) => void = () => {};
  port = 0;

  /** Who asks, by token or cookie; by the case's number where neither is there. */
  subjectOf(head: SeenHead): string {
    const [authorization = ""] = valuesOf(head, "authorization");
    if (authorization !== "") return subjectOfToken(authorization);
    const [session] = /secret-sid-\d{10}/.exec(valuesOf(head, "cookie").join()) ?? [];
    const known = session === undefined ? undefined : this.#sessions.get(session);
    if (known !== undefined) return known;
    const [label] = /case=\d{8}/.exec(head.path) ?? [];
    for (const [subject, { fuzzCase }] of this.parts) {
      if (label === labelOf(fuzzCase.index)) return subject;
    }
    return "";
  }

  /** What this case does next when it is asked; null for a proper answer. */
  nextMove(trigger: Trigger, { subject, path }: Asker): Move | null {
    const part = this.parts.get(subject);
    if (!part) return null;
    const { view, fuzzCase } = part;
    // What an earlier case of this user left on the way is not this one's.
    const [label] = /case=\d{8}/.exec(path) ?? [];
    if (label !== undefined && label !== labelOf(fuzzCase.index)) return null;
    view.asked[trigger] += 1;
    const move = fuzzCase.tenant[trigger]?.[view.asked[trigger] - 1] ?? null;
    if (trigger !== "login") return move;
    // Three refusals in a row would make the proxy hold everybody back, and a 429 is obeyed for minutes: both are as
    // they should be, and would leave nothing to fuzz.
    const isHostile = move !== null && !this.#refusedLast && !throttles(move);
    this.#refusedLast = isHostile;
    this.logins[isHostile ? "hostile" : "proper"] += 1;
    return isHostile ? move : null;
  }

  /** Puts in what is known only now. */
  filled(bytes: Buffer, { subject, path }: Asker, key: string): Buffer {
    const [label = standIn.label] = /case=\d{8}/.exec(path) ?? [];
    let text = bytes.toString("latin1");
    if (text.includes(standIn.port)) text = text.replaceAll(standIn.port, `tenant.localhost:${this.port}`);
    if (text.includes(standIn.mark)) text = text.replaceAll(standIn.mark, markOf(subject));
    text = text.replaceAll(standIn.label, label);
    if (text.includes(standIn.session)) text = text.replaceAll(standIn.session, this.#newSession(subject));
    if (text.includes(standIn.accept)) text = text.replaceAll(standIn.accept, acceptFor(key));
    return Buffer.from(text, "latin1");
  }

  #newSession(subject: string): string {
    this.#begun += 1;
    const session = `secret-sid-${String((this.#begun * spread) % 10 ** 10).padStart(10, "0")}`;
    this.#sessions.set(session, subject);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > mostSessions && oldest !== undefined) this.#sessions.delete(oldest);
    return session;
  }
}

const throttles = ({ steps }: Move): boolean =>
  steps.some((step) => step.kind === "bytes" && step.bytes.includes(" 429"));

const acceptFor = (key: string): string =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

function subjectOfToken(authorization: string): string {
  try {
    const [, payload = ""] = authorization.split(".");
    const { sub } = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { sub?: unknown };
    return typeof sub === "string" ? sub : "";
  } catch {
    return "";
  }
}

function triggerOf({ path, headers }: SeenHead): Trigger {
  if (path === "/login/jwt-session") return "login";
  if (path === "/logout") return "logout";
  if (path === "/api/v1/csrf-token") return "csrf";
  // Only the proxy's own question has no number of a case.
  if (path === "/api/v1/users/me") return "probe";
  if (headers.some(([name]) => name === "upgrade")) return "upgrade";
  return path.startsWith("/api/") ? "rest" : "static";
}

/** One connection of the proxy: requests one after the other, then perhaps the frames of a socket. */
class Line {
  readonly #stage: Stage;
  readonly #socket: Socket;
  #received = "";
  #busy = false;
  #mode: "requests" | "frames" | "refused" = "requests";
  #frames = Buffer.alloc(0);
  #subject = "";
  #path = "";
  #answered: SeenHead | null = null;

  constructor(stage: Stage, socket: Socket) {
    this.#stage = stage;
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("data", (data: Buffer) => this.#take(data));
  }

  #take(data: Buffer): void {
    if (this.#mode === "refused") {
      return this.#stage.breached("bytes after a refused upgrade", {
        subject: this.#subject,
        path: this.#path,
      });
    }
    if (this.#mode === "frames") return this.#takeFrames(data);
    this.#received += data.toString("latin1");
    if (!this.#busy) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#busy = true;
    while (this.#mode === "requests" && !this.#socket.destroyed) {
      const head = readHead(this.#received);
      if (head === null) break;
      if (this.#answered !== null) {
        if (!this.#skipBody(head)) break;
        continue;
      }
      const move = this.#meet(head);
      if (move?.at !== "head" && bodyLength(head, this.#received.slice(head.length)) === null) {
        this.#pending = { head, move };
        break;
      }
      await this.#answer(head, move);
    }
    this.#busy = false;
  }

  /** A request whose body is still to come. */
  #pending: { readonly head: SeenHead; readonly move: Move | null } | null = null;

  /** Looks at a request once, and says what is to be done about it. */
  #meet(head: SeenHead): Move | null {
    if (this.#pending) {
      const { move } = this.#pending;
      this.#pending = null;
      return move;
    }
    const stage = this.#stage;
    const subject = stage.subjectOf(head);
    this.#subject = subject;
    const problem = problemOf(head, `tenant.localhost:${stage.port}`, smuggledPath);
    this.#path = head.path;
    const asker = { subject, path: head.path };
    if (problem !== null) stage.breached(`the tenant was sent ${problem}`, asker);
    return stage.nextMove(triggerOf(head), asker);
  }

  async #answer(head: SeenHead, move: Move | null): Promise<void> {
    const trigger = triggerOf(head);
    const [key = ""] = valuesOf(head, "sec-websocket-key");
    const steps = move?.steps ?? [properStep(trigger, this.#subject, head.method)];
    this.#answered = head;
    this.#skipBody(head);
    // What the proxy sends from now on is a socket's, or should not be there.
    if (trigger === "upgrade") this.#mode = saysSwitching(steps) ? "frames" : "refused";
    for (const step of steps) {
      if (this.#socket.destroyed) return;
      await this.#do(step, key);
    }
  }

  /** Throws the body of an answered request away; false while it has not all come. */
  #skipBody(head: SeenHead): boolean {
    const length = bodyLength(head, this.#received.slice(head.length));
    if (length === null) return false;
    this.#received = this.#received.slice(head.length + length);
    this.#answered = null;
    return true;
  }

  async #do(step: Step, key: string): Promise<void> {
    const socket = this.#socket;
    if (step.kind === "bytes") {
      const asker = { subject: this.#subject, path: this.#path };
      socket.write(this.#stage.filled(step.bytes, asker, key));
    } else if (step.kind === "end") socket.end();
    else if (step.kind === "reset") socket.resetAndDestroy();
    else await new Promise((resolve) => setTimeout(resolve, step.ms));
  }

  #takeFrames(data: Buffer): void {
    const part = this.#stage.parts.get(this.#subject);
    if (part) part.view.socketBytes += data.length;
    this.#frames = Buffer.concat([this.#frames, data]).subarray(-300_000);
    for (;;) {
      const decoded = decodeFrame(this.#frames);
      if (decoded === null) return;
      this.#frames = this.#frames.subarray(decoded.length);
      const { opcode, payload } = decoded.frame;
      if (opcode === 8) this.#socket.end(encodeFrame(8, payload, null));
      // A text comes back with the name of whom it is thought to be from.
      if (opcode === 1 && payload.length < 200) {
        const text = Buffer.concat([Buffer.from(`${markOf(this.#subject)} `), payload]);
        if (this.#socket.writable) this.#socket.write(encodeFrame(1, text, null));
      }
    }
  }
}

/** Whether the steps can be a 101, in however many pieces it is sent. */
const saysSwitching = (steps: readonly Step[]): boolean =>
  Buffer.concat(steps.map((step) => (step.kind === "bytes" ? step.bytes : Buffer.alloc(0)))).includes("101");

function properStep(trigger: Trigger, subject: string, method: string): Step {
  const written = writeAnswer(properAnswer(trigger, markOf(subject)));
  const end = written.indexOf("\r\n\r\n") + 4;
  return { kind: "bytes", bytes: method === "HEAD" ? written.subarray(0, end) : written };
}

/** Starts a hostile tenant. */
export async function startHostileTenant(): Promise<HostileTenant> {
  const stage = new Stage();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    new Line(stage, socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.port = (server.address() as AddressInfo).port;
  return {
    origin: `http://tenant.localhost:${stage.port}`,
    port: stage.port,
    get connections() {
      return sockets.size;
    },
    logins: stage.logins,
    onBreach(listener) {
      stage.breached = listener;
    },
    play(fuzzCase) {
      const view = { asked: noneAsked(), socketBytes: 0 };
      stage.parts.set(fuzzCase.subject, { fuzzCase, view });
      return { view, over: () => void stage.parts.delete(fuzzCase.subject) };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
