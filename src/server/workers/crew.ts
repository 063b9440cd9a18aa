import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { publish } from "../../kernel/channels.ts";
import { systemClock } from "../../kernel/clock.ts";
import { atMost } from "../../kernel/deadline.ts";
import { askWorker, type AskedWorker, type Patience, usualPatience } from "./ask-worker.ts";
import type { Collected, PrimaryCalls, Started, StartOrder, WorkerCalls } from "./calls.ts";
import { passLines } from "./lines.ts";
import { createPeer, PeerGone } from "./peer.ts";

/** What a crew is made from. */
export interface CrewOptions {
  readonly count: number;
  /** What a worker begins with at the moment. */
  readonly order: (number: number) => StartOrder;
  /** What the worker of a place may ask. */
  readonly calls: (number: number) => Partial<PrimaryCalls>;
  /** Takes whole lines of the workers' logs. */
  readonly write: (lines: string) => void;
  /** How long a worker is waited for; as usual by default. */
  readonly patience?: Patience;
  /** What a worker's process runs; by default ours. */
  readonly program?: URL;
}

/** One worker from its start to its death. */
interface Member extends AskedWorker {
  readonly number: number;
  /** Null until it serves. */
  started: Started | null;
}

/** A worker that lived for so long had no trouble with its beginning. Milliseconds. */
const healthyAfter = 10_000;

/** The pause before a worker is replaced that died early, doubled with each further one, and the longest. Milliseconds. */
const firstPause = 100;
const longestPause = 10_000;

/** What the end of sessions and processes may take. Milliseconds. */
const farewell = 5000;

/** Starts workers, replaces those that die, and asks all of them. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #members = new Map<number, Member>();
  /** Early deaths in a row, by place. */
  readonly #deaths = new Map<number, number>();
  #isStopping = false;

  constructor(options: CrewOptions) {
    this.#options = options;
    // Workers accept by themselves. Where the primary hands connections out, one that is on its way to a worker that dies
    // is closed by nobody, and its client waits for ever. docs/decisions/0017-workers-are-nodes.md
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: fileURLToPath(options.program ?? new URL("worker-main.js", import.meta.url)),
      args: [],
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    process.on("exit", this.#killAll);
  }

  /** Starts all of them; where one cannot start, none is left. Resolves with where they listen. */
  async start(): Promise<Pick<Started, "url" | "edgeUrl">> {
    const numbers = Array.from({ length: this.#options.count }, (_, index) => index + 1);
    try {
      const started = await Promise.all(numbers.map((number) => this.#launch(number)));
      return { url: started[0]?.url ?? "", edgeUrl: started[0]?.edgeUrl };
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** Places of the workers that serve. */
  get serving(): readonly number[] {
    return this.#serving().map(({ number }) => number);
  }

  /**
   * Asks every worker that serves. Those that die meanwhile, or give no word and are ended, are left out: what they had at
   * hand is gone with them. Rejects with the first error.
   */
  async askAll<Name extends keyof WorkerCalls>(
    name: Name,
    argument: Parameters<WorkerCalls[Name]>[0],
  ): Promise<readonly Awaited<ReturnType<WorkerCalls[Name]>>[]> {
    return this.#askEach(this.#serving(), name, argument);
  }

  /**
   * Replaces the configuration of every worker: all prepare, `switchOver` is called, all commit. Where one objects, nothing
   * changes. Resolves with the number of sockets that were closed. rules R15
   *
   * @throws OptionsError
   */
  async reload(parcel: string, switchOver: () => void): Promise<number> {
    const prepared = this.#serving();
    await this.#askEach(prepared, "prepare", parcel);
    switchOver();
    // One that has begun to serve in between has started with the configuration of before.
    const late = this.#serving().filter((member) => !prepared.includes(member));
    await this.#askEach(late, "prepare", parcel);
    const reports = await this.#askEach([...prepared, ...late], "commit", null);
    return reports.reduce((sum, { socketsClosed }) => sum + socketsClosed, 0);
  }

  async #askEach<Name extends keyof WorkerCalls>(
    members: readonly Member[],
    name: Name,
    argument: Parameters<WorkerCalls[Name]>[0],
  ): Promise<readonly Awaited<ReturnType<WorkerCalls[Name]>>[]> {
    const asked = members.map((member) => this.#ask(member, name, argument));
    const answers = await Promise.allSettled(asked);
    const failed = answers.find((each) => each.status === "rejected" && !(each.reason instanceof PeerGone));
    if (failed?.status === "rejected") throw failed.reason;
    return answers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : [])) as never;
  }

  /** Asks one worker, another one where it dies. @throws PeerGone where there is none */
  async askOne<Name extends keyof WorkerCalls>(
    name: Name,
    argument: Parameters<WorkerCalls[Name]>[0],
  ): Promise<Awaited<ReturnType<WorkerCalls[Name]>>> {
    for (const member of this.#serving()) {
      try {
        return await this.#ask(member, name, argument);
      } catch (error) {
        if (!(error instanceof PeerGone)) throw error;
      }
    }
    throw new PeerGone();
  }

  /** Tells every worker that serves, but the one of this place. */
  tellOthers<Name extends keyof WorkerCalls>(
    number: number,
    name: Name,
    argument: Parameters<WorkerCalls[Name]>[0],
  ): void {
    for (const member of this.#serving())
      if (member.number !== number) member.peer.tell(name, argument as never);
  }

  /** What each worker knows of its own. */
  collect<Kind extends keyof Collected>(kind: Kind): Promise<readonly Collected[Kind][]> {
    return this.askAll("collect", kind) as unknown as Promise<readonly Collected[Kind][]>;
  }

  /**
   * Lets every worker finish what it has, for so long at most. Milliseconds. Sessions that nobody could go on with are ended
   * when no worker needs them any more.
   */
  async drain(longest: number, endsSessions: boolean): Promise<void> {
    this.#isStopping = true;
    const members = this.#serving();
    // One that is just starting has nothing to finish.
    for (const member of this.#members.values()) if (!members.includes(member)) member.kill();
    // One that dies has not either.
    const each = (call: "drain" | "exit"): Promise<unknown> =>
      Promise.allSettled(members.map(({ peer }) => peer.call(call, null)));
    await atMost(longest, each("drain"));
    if (endsSessions) await atMost(farewell, this.askOne("endSessions", null)).catch(() => {});
    await atMost(farewell, each("exit"));
    await this.end();
  }

  /** Ends every worker at once. */
  async end(): Promise<void> {
    this.#isStopping = true;
    const dead = [...this.#members.values()].map((member) => member.dead);
    this.#killAll();
    await Promise.all(dead);
    process.off("exit", this.#killAll);
  }

  readonly #killAll = (): void => {
    for (const { kill } of this.#members.values()) kill();
  };

  #serving(): readonly Member[] {
    return [...this.#members.values()].filter(({ started }) => started !== null);
  }

  #ask<Name extends keyof WorkerCalls>(
    member: Member,
    name: Name,
    argument: Parameters<WorkerCalls[Name]>[0],
  ): Promise<Awaited<ReturnType<WorkerCalls[Name]>>> {
    return askWorker(member, { name, argument }, this.#options.patience ?? usualPatience);
  }

  async #launch(number: number): Promise<Started> {
    const worker = cluster.fork();
    const { calls, order, write } = this.#options;
    const peer = createPeer<WorkerCalls>({
      calls: calls(number) as unknown as Readonly<Record<string, (argument: never) => unknown>>,
      send: (message) => void worker.send(message as never, undefined, () => {}),
    });
    const dead = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const kill = (): void => void worker.process.kill("SIGKILL");
    const member: Member = { number, peer, dead, kill, started: null };
    this.#members.set(number, member);
    const startedAt = systemClock.now();
    const greeted = new Promise<void>((resolve) => {
      worker.once("message", () => {
        worker.on("message", (message) => peer.receive(message));
        resolve();
      });
    });
    worker.on("error", () => {});
    if (worker.process.stdout) passLines(worker.process.stdout, write);
    worker.once("exit", (code, signal) => {
      if (this.#members.get(number) === member) this.#members.delete(number);
      peer.gone();
      this.#mourn(member, { how: signal ?? `exit code ${code}`, age: systemClock.now() - startedAt });
    });
    await Promise.race([greeted, dead]);
    let given = order(number);
    const started = await peer.call("start", given);
    // What was reloaded meanwhile is made up for, before anybody counts on it.
    for (let wanted = order(number); wanted.parcel !== given.parcel; wanted = order(number)) {
      await peer.call("prepare", wanted.parcel);
      await peer.call("commit", null);
      given = wanted;
    }
    // Its last word may come while it is ended already.
    if (this.#isStopping) throw new PeerGone();
    member.started = started;
    return started;
  }

  /** Frees what the worker had begun, and replaces it. */
  #mourn({ number, started }: Member, { how, age }: { readonly how: string; readonly age: number }): void {
    if (this.#isStopping) return;
    const early = age < healthyAfter ? (this.#deaths.get(number) ?? 0) + 1 : 0;
    this.#deaths.set(number, early);
    const pause = early <= 1 ? 0 : Math.min(longestPause, firstPause * 2 ** (early - 2));
    const reason = `worker ${number} died (${how}); another one takes its place${pause === 0 ? "" : ` in ${pause} ms`}`;
    publish("policy", () => ({ event: "worker.died", level: "error", reason }));
    if (started) this.askAll("nodeGone", started.node).catch(() => {});
    systemClock.setTimer(pause, () => {
      if (this.#isStopping) return;
      this.#launch(number).then(
        () => {
          const told = `worker ${number} serves again`;
          publish("policy", () => ({ event: "worker.replaced", reason: told }));
        },
        // Its death is told by itself.
        () => this.#members.get(number)?.kill(),
      );
    });
  }
}
