import { fork, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { publicOrigin, siblingOrigin } from "./requests.ts";

/** How the process is. */
export interface ServerState {
  readonly rejections: number;
  readonly exceptions: number;
  readonly warnings: number;
  /** Open connections of browsers, and to the tenant. */
  readonly socketsIn: number;
  readonly socketsOut: number;
  /** Bytes of the heap and of buffers. */
  readonly heap: number;
  readonly rss: number;
  /** Blocks of its code that have run so far. */
  readonly blocks: number;
  /** Something about each of the first open connections. */
  readonly sockets: readonly string[];
}

/** The standalone server in a process of its own, with the probe in it. */
export interface FuzzedServer {
  readonly port: number;
  readonly pid: number;
  readonly isAlive: boolean;
  /** Asks the probe; `collect` takes the garbage out first. Rejects where the process is gone. */
  state(collect: boolean): Promise<ServerState>;
  /** What must not happen, as soon as it has happened. */
  onHappened(listener: (what: string, detail: string) => void): void;
  close(): Promise<void>;
}

/** Where the server and its files are, and whom it talks to. */
export interface ServerPlace {
  /** Folder with the built program. */
  readonly dist: string;
  /** The probe's file. */
  readonly probe: string;
  /** Folder for configuration and keys. */
  readonly folder: string;
  readonly tenantOrigin: string;
  /** Who speaks to the tenant. */
  readonly client: "undici" | "own";
  /** What is planted; see the probe. */
  readonly plant?: string | undefined;
}

/** Short, so that nothing of a case outlives it for long: what is still open at the end was forgotten. */
const timeouts = {
  connect: "2s",
  headers: "1s",
  bodyIdle: "1s",
  login: "2s",
  socketIdle: "2s",
  drainDelay: "0s",
  drain: "1s",
};

function writeConfig({ folder, tenantOrigin, client }: ServerPlace): string {
  mkdirSync(folder, { recursive: true });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(join(folder, "key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }), {
    mode: 0o600,
  });
  const file = join(folder, "config.json");
  const config = {
    listen: "127.0.0.1:0",
    publicOrigin,
    allowedOrigins: [publicOrigin, siblingOrigin],
    tenant: {
      origin: tenantOrigin,
      signingKeys: [{ issuer: "portal.example.test", keyId: "key-1", privateKeyFile: "key.pem" }],
    },
    identity: {
      trustedHeader: {
        from: ["127.0.0.1/32"],
        subject: "X-User-Sub",
        name: "X-User-Name",
        groups: "X-User-Groups",
        sessionId: "X-User-Session",
      },
    },
    session: {
      store: "memory",
      idleTimeout: "15s",
      maxLifetime: "60s",
      renewBefore: "5s",
      revalidate: "30s",
    },
    policy: { presets: ["embed", "embed-write"] },
    timeouts,
    limits: { socketsPerSession: 8, requestBody: "1MiB", replayBody: "16KiB", loginsPerMinute: 100_000 },
    upstream: { perSession: 4, idle: "300ms", idleTotal: 256, total: 512, client },
    unsafe: { plainHttpTenant: true, plainHttpPublic: true },
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** Starts the server; resolves when it listens. */
export async function startFuzzedServer(place: ServerPlace): Promise<FuzzedServer> {
  const file = writeConfig(place);
  const environment = Object.entries(process.env).filter(([name]) => !/^(?:QSP_|NODE_ENV$|FUZZ_)/.test(name));
  const child = fork(join(place.dist, "cli", "main.js"), ["serve", "-c", file], {
    execArgv: ["--expose-gc", "--import", place.probe],
    env: { ...Object.fromEntries(environment), ...(place.plant ? { FUZZ_PLANT: place.plant } : {}) },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.on("exit", killAtExit);
  const server = new Server(child);
  void server.ended.then(() => process.off("exit", killAtExit));
  await server.started;
  return server;
}

class Server implements FuzzedServer {
  port = 0;
  isAlive = true;
  readonly ended: Promise<void>;
  readonly started: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(state: ServerState): void; reject(error: Error): void }>();
  #asked = 0;
  #complaints = "";
  #happened: (what: string, detail: string) => void = () => {};
  #isClosing = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-8000);
    });
    child.on("message", (message) => this.#hear(message as Message));
    this.started = this.#readLog();
    this.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        this.isAlive = false;
        for (const { reject } of this.#waiting.values()) reject(new Error("the process is gone"));
        if (!this.#isClosing) this.#happened(`the process ended (${signal ?? code})`, this.#complaints);
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  onHappened(listener: (what: string, detail: string) => void): void {
    this.#happened = listener;
  }

  state(collect: boolean): Promise<ServerState> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      if (!this.isAlive) return reject(new Error("the process is gone"));
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, collect });
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Waits for the address, and reads on: an exception that we caught ourselves is told in the log only. */
  #readLog(): Promise<void> {
    return new Promise((resolve, reject) => {
      const reader = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
      reader.on("line", (line) => {
        if (line.includes('"server.started"')) {
          this.port = Number(new URL((JSON.parse(line) as { url: string }).url).port);
          resolve();
        } else if (line.includes("QSP-INTERNAL")) this.#happened("an internal error", line);
      });
      reader.on("close", () => reject(new Error(`the server did not start:\n${this.#complaints}`)));
    });
  }

  #hear(message: Message): void {
    if ("happened" in message) return this.#happened(message.happened, message.detail);
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ("answer" in message) waiting?.resolve(message.answer);
    else waiting?.reject(new Error(message.failed));
  }
}

type Message =
  | { readonly happened: string; readonly detail: string }
  | { readonly id: number; readonly answer: ServerState }
  | { readonly id: number; readonly failed: string };
