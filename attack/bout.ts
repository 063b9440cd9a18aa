import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "./target.ts";
import { readAnswers, type Answer } from "./wire/answers.ts";
import { connectTo, type Connection, type From } from "./wire/connection.ts";
import type { PersonName } from "./wire/owners.ts";
import type { Trap } from "./wire/trap.ts";
import type { Exchange, SeenRequest } from "./wire/upstream-connection.ts";
import type { Script, Upstream } from "./wire/upstream.ts";

/** A request as an attack words it; what is not said is what a page of the proxy's own origin would send. */
export interface Ask {
  readonly method?: string;
  /** The whole request target; the read path by default. */
  readonly target?: string;
  readonly as?: PersonName | "nobody";
  /** Header lines beside `Host` and the user's. */
  readonly lines?: readonly string[];
  /** Whether the browser's own headers of a page of ours are left out, because the lines say otherwise. */
  readonly bare?: boolean;
  readonly host?: string;
  /** Sent with a `Content-Length`. */
  readonly body?: string;
}

/** How long an attack waits for an answer, and how many there are to be. */
export interface Wait {
  /** Milliseconds. */
  readonly ms?: number;
  readonly answers?: number;
  readonly from?: From;
}

/** What came of some bytes. */
export interface Talk {
  readonly answers: readonly Answer[];
  /** The first of them. */
  readonly answer: Answer | undefined;
  /** What came after the answers that were due. */
  readonly rest: string;
  readonly text: string;
  readonly isClosed: boolean;
}

/** How long an answer may take on a machine that is busy. Milliseconds. */
const patience = 6000;

/** One attack against one target: words for requests, and a view of what came of them. */
export class Bout {
  /** Stands in the target of each request of this bout, and in no other. */
  readonly tag: string = `atk${randomBytes(6).toString("hex")}`;
  readonly target: Target;
  readonly upstream: Upstream;
  readonly trap: Trap;
  readonly #tags: string[];

  constructor(
    parts: { readonly target: Target; readonly upstream: Upstream; readonly trap: Trap },
    tags: string[] = [],
  ) {
    ({ target: this.target, upstream: this.upstream, trap: this.trap } = parts);
    this.#tags = tags;
    tags.push(this.tag);
  }

  /** The same with another tag, for the next variant. */
  again(): Bout {
    return new Bout(this, this.#tags);
  }

  /** Every tag that was in use. */
  get tags(): readonly string[] {
    return this.#tags;
  }

  /** The target of a request for a path of the upstream's, with the tag. */
  at(path: string): string {
    const slash = path.startsWith("/") ? "" : "/";
    return `${this.target.prefix}${slash}${path}${path.includes("?") ? "&" : "?"}attack=${this.tag}`;
  }

  get read(): string {
    return this.at(this.target.readPath);
  }

  get write(): string {
    return this.at(this.target.writePath);
  }

  /** The bytes of a request. */
  bytes(ask: Ask): string {
    const { method = "GET", body, lines = [] } = ask;
    const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body, "latin1")}`];
    return `${this.head({ ...ask, method, lines: [...lines, ...length] })}${body ?? ""}`;
  }

  /** The bytes of a request's head. */
  head({
    method = "GET",
    target = this.read,
    as = "user",
    lines = [],
    bare = false,
    host = this.target.host,
  }: Ask): string {
    const own = bare ? [] : this.pageLines(method);
    const person = as === "nobody" ? [] : (this.target[as] ?? this.target.user).lines;
    return `${[`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...own, ...person, ...lines].join("\r\n")}\r\n\r\n`;
  }

  /** What a browser adds to a request of a page of our own origin. */
  pageLines(method: string): string[] {
    const origin = method === "GET" || method === "HEAD" ? [] : [`Origin: ${this.target.origin}`];
    return ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", ...origin];
  }

  /** Opens a connection to the target. */
  connect(from?: From): Promise<Connection> {
    return connectTo(this.target.place, from);
  }

  /** Sends a request and waits for its answer. */
  async send(ask: Ask, wait?: Wait): Promise<Talk> {
    return this.talk(this.bytes(ask), [ask.method ?? "GET"], wait);
  }

  /** Writes bytes and reads the answers to requests of these methods. */
  async talk(bytes: string, methods: readonly string[] = ["GET"], wait: Wait = {}): Promise<Talk> {
    const connection = await this.connect(wait.from);
    connection.write(bytes);
    const talk = await this.listen(connection, methods, wait);
    connection.destroy();
    return talk;
  }

  /** Reads answers on an open connection, until they are whole, the connection is closed, or the time is over. */
  async listen(connection: Connection, methods: readonly string[] = ["GET"], wait: Wait = {}): Promise<Talk> {
    const due = wait.answers ?? methods.length;
    const read = (text: string): ReturnType<typeof readAnswers> =>
      readAnswers(text, methods, connection.isClosed);
    await connection.until((text) => {
      const { answers } = read(text);
      return answers.length >= due && (answers.at(-1)?.complete ?? false);
    }, wait.ms ?? patience);
    const text = connection.received;
    const { answers, rest } = read(text);
    return { answers, answer: answers[0], rest, text, isClosed: connection.isClosed };
  }

  /** Answers this bout's requests at the upstream. */
  script(script: Script): void {
    this.upstream.script(this.tag, script);
  }

  /** Answers them with the same bytes each time, once the request is whole. */
  answerWith(bytes: string): void {
    this.script(async ({ whole, write }: Exchange) => {
      await whole;
      write(bytes);
    });
  }

  /** What the upstream saw of this bout. */
  get seen(): SeenRequest[] {
    return this.upstream.seen(this.tag);
  }

  /** Waits until something of this bout has come to the upstream; false after `ms`. */
  arrived(ms: number = patience): Promise<boolean> {
    return this.upstream.until(() => this.seen.length > 0, ms);
  }

  /**
   * Gives what may still be on its way the time to arrive: the target answers another request of the same user, and then
   * it is still for a moment.
   */
  async settle(): Promise<void> {
    await this.again().send({});
    await sleep(10);
  }
}
