import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { control } from "./control.ts";
import { createCorpus, type Corpus } from "./corpus.ts";
import { createFindings, type Finding, type Findings } from "./findings.ts";
import { labelOf, subjectOf, type FuzzCase, type Side } from "./fuzz-case.ts";
import { startFuzzedServer, type FuzzedServer, type ServerState } from "./fuzzed-server.ts";
import { startHostileTenant, type HostileTenant } from "./hostile-tenant.ts";
import { depthOf, outcomeOf, problemOf, type Depth } from "./judge.ts";
import { firstCases, makeCase } from "./make-case.ts";
import { isGrowing } from "./memory.ts";
import { playClient } from "./play-client.ts";

/** How one side is fuzzed. */
export interface SideOptions {
  readonly side: Side;
  readonly seed: number;
  /** Milliseconds. */
  readonly duration: number;
  /** Who speaks to the tenant. */
  readonly client: "undici" | "own";
  /** Cases to play again instead of new ones. */
  readonly replay?: readonly FuzzCase[] | undefined;
  readonly dist: string;
  readonly probe: string;
  /** Folder for what is found, and for the server's files. */
  readonly folder: string;
  readonly plant?: string | undefined;
  readonly say: (line: string) => void;
}

/** What a side came to. */
export interface SideReport {
  readonly side: Side;
  readonly cases: number;
  readonly depths: Readonly<Record<keyof Depth, number>>;
  readonly logins: { readonly proper: number; readonly hostile: number };
  readonly outcomes: number;
  readonly controls: number;
  /** Milliseconds. */
  readonly slowest: number;
  readonly isAlive: boolean;
  readonly atStart: ServerState;
  readonly warm: ServerState;
  readonly atEnd: ServerState;
  readonly findings: readonly Finding[];
}

/** Clients at a time, each with users of its own. */
const lanes = 8;

/** Cases between two controls. */
const roundSize = 200;

/** After so many rounds memory is compared with what it is later. */
const warmRounds = 5;

/**
 * Milliseconds in which everything that the cases opened has to be closed after the last one. Sessions end after 15 s
 * without use, and each tells the tenant so, on a connection that then idles for a moment.
 */
const settleTime = 25_000;

const progressEvery = 60_000;

/** Fuzzes one side until the time is over or the process has ended. */
export async function fuzzSide(options: SideOptions): Promise<SideReport> {
  const tenant = await startHostileTenant();
  const { dist, probe, folder, plant, side, client } = options;
  try {
    const server = await startFuzzedServer({
      dist,
      probe,
      folder: join(folder, `server-${side}-${process.pid}`),
      tenantOrigin: tenant.origin,
      client,
      plant,
    });
    try {
      return await new SideRun(options, server, tenant).run();
    } finally {
      await server.close();
    }
  } finally {
    await tenant.close();
  }
}

class SideRun {
  readonly #options: SideOptions;
  readonly #server: FuzzedServer;
  readonly #tenant: HostileTenant;
  readonly #findings: Findings;
  readonly #corpus: Corpus;
  readonly #depths: Record<keyof Depth, number> = {
    answered: 0,
    loggedIn: 0,
    forwarded: 0,
    passedOn: 0,
    spliced: 0,
    framed: 0,
  };
  readonly #generations = Array.from({ length: lanes }, () => 0);
  readonly #memory: ServerState[] = [];
  #round: FuzzCase[] = [];
  #cases = 0;
  #begun = 0;
  #controls = 0;
  #slowest = 0;
  #last: ServerState | null = null;

  constructor(options: SideOptions, server: FuzzedServer, tenant: HostileTenant) {
    const { side, seed, folder, say } = options;
    this.#options = options;
    this.#server = server;
    this.#tenant = tenant;
    this.#findings = createFindings({ folder, side, seed, say });
    this.#corpus = createCorpus(firstCases(side, { subject: subjectOf(side, 0, 0), index: 0 }));
    server.onHappened((what, detail) => this.#findings.add(what, detail, this.#round));
    tenant.onBreach((what, { subject, path }) => {
      const ofUser = this.#round.filter((each) => each.subject === subject);
      const own = this.#round.filter(({ index }) => path.includes(labelOf(index)));
      this.#findings.add(what, path, [own, ofUser, this.#round].find(({ length }) => length > 0) ?? []);
    });
  }

  async run(): Promise<SideReport> {
    await this.#control();
    await this.#settle(0);
    const atStart = await this.#server.state(true);
    let warm = atStart;
    const began = performance.now();
    let told = began;
    for (let round = 1; this.#isOn(began); round += 1) {
      await this.#playRound();
      if (!this.#server.isAlive) break;
      await this.#control();
      await this.#measure();
      if (round === warmRounds && this.#last) warm = await this.#server.state(true);
      if (performance.now() - told < progressEvery) continue;
      told = performance.now();
      await this.#sample();
      this.#options.say(this.#progress(told - began));
    }
    const atEnd = await this.#wrapUp(atStart, warm);
    return {
      side: this.#options.side,
      cases: this.#cases,
      depths: this.#depths,
      logins: this.#tenant.logins,
      outcomes: this.#corpus.outcomes,
      controls: this.#controls,
      slowest: this.#slowest,
      isAlive: this.#server.isAlive,
      atStart,
      warm,
      atEnd,
      findings: this.#findings.list,
    };
  }

  #isOn(began: number): boolean {
    if (!this.#server.isAlive) return false;
    const { replay, duration } = this.#options;
    return replay ? this.#begun < replay.length : performance.now() - began < duration;
  }

  async #playRound(): Promise<void> {
    this.#round = [];
    const { replay } = this.#options;
    let left = replay ? Math.min(roundSize, replay.length - this.#begun) : roundSize;
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        while (left > 0 && this.#server.isAlive) {
          left -= 1;
          const fuzzCase = replay?.[this.#begun] ?? this.#nextCase(lane);
          this.#begun += 1;
          this.#round.push(fuzzCase);
          await this.#play(fuzzCase);
        }
      }),
    );
  }

  #nextCase(lane: number): FuzzCase {
    const { side, seed } = this.#options;
    // A new user is a new login: dear, and worth meeting the hostile tenant more often than the hostile browser.
    const every = side === "upstream" ? 4 : 12;
    const generation = Math.floor(((this.#generations[lane] ?? 0) + 1) / every);
    this.#generations[lane] = (this.#generations[lane] ?? 0) + 1;
    return makeCase({
      side,
      seed,
      corpus: this.#corpus,
      index: this.#begun,
      subject: subjectOf(side, lane, generation),
    });
  }

  async #play(fuzzCase: FuzzCase): Promise<void> {
    const began = performance.now();
    const { view, over } = this.#tenant.play(fuzzCase);
    const client = await playClient(this.#server.port, fuzzCase);
    over();
    this.#cases += 1;
    this.#slowest = Math.max(this.#slowest, performance.now() - began);
    const problem = problemOf(fuzzCase, client, view);
    if (problem !== null) {
      const seen = JSON.stringify({
        ...view,
        closed: client.closed,
        received: client.received.slice(0, 1500),
      });
      this.#findings.add(problem, seen, [fuzzCase]);
    }
    const depth = depthOf(client, view);
    for (const name of Object.keys(depth) as (keyof Depth)[]) if (depth[name]) this.#depths[name] += 1;
    this.#corpus.offer(fuzzCase, outcomeOf(client, view));
  }

  async #control(): Promise<void> {
    if (!this.#server.isAlive) return;
    this.#controls += 1;
    const { side } = this.#options;
    const problem = await control(this.#server.port, {
      known: `control-${side}`,
      newcomer: `control-${side}-${this.#controls}`,
    });
    if (problem !== null && this.#server.isAlive)
      this.#findings.add("the control failed", problem, this.#round);
  }

  /** Notes whether code ran that had never run before; then every case of the round is worth building on. */
  async #measure(): Promise<void> {
    const state = await this.#server.state(false).catch(() => null);
    if (state === null) return;
    if (this.#last && state.blocks > this.#last.blocks) {
      for (const each of this.#round) this.#corpus.keep(each);
    }
    this.#last = state;
  }

  async #sample(): Promise<void> {
    const state = await this.#server.state(true).catch(() => null);
    if (state) this.#memory.push(state);
  }

  /** Waits until no more connections are open than at the start, but not for ever; gives how the process is then. */
  async #settle(most: number): Promise<ServerState | null> {
    const until = performance.now() + settleTime;
    let state: ServerState | null = null;
    while (this.#server.isAlive && performance.now() < until) {
      state = await this.#server.state(true).catch(() => null);
      if (state === null || state.socketsIn + state.socketsOut <= most) break;
      await sleep(200);
    }
    return state;
  }

  async #wrapUp(atStart: ServerState, warm: ServerState): Promise<ServerState> {
    const { add } = this.#findings;
    await this.#control();
    // The state of that moment: sessions that end later have connections again.
    const atEnd = (await this.#settle(atStart.socketsIn + atStart.socketsOut)) ?? this.#last ?? warm;
    if (!this.#server.isAlive) return atEnd;
    const left = atEnd.socketsIn + atEnd.socketsOut - atStart.socketsIn - atStart.socketsOut;
    if (left > 0)
      add(
        "connections are left open",
        `${atEnd.socketsIn} in, ${atEnd.socketsOut} out\n${atEnd.sockets.join("\n")}`,
        this.#round,
      );
    const growth = isGrowing({ warm, atEnd, samples: this.#memory });
    if (growth !== null) add("memory grows", growth, this.#round);
    return atEnd;
  }

  #progress(ms: number): string {
    const { side } = this.#options;
    const state = this.#memory.at(-1);
    const depths = Object.entries(this.#depths).map(
      ([name, count]) => `${name} ${share(count, this.#cases)}`,
    );
    return [
      `${side} ${(ms / 60_000).toFixed(0)} min: ${this.#cases} cases (${depths.join(", ")})`,
      `logins ${this.#tenant.logins.proper} + ${this.#tenant.logins.hostile} hostile`,
      `${this.#corpus.outcomes} outcomes, ${state?.blocks ?? 0} blocks`,
      `alive ${this.#server.isAlive ? "yes" : "no"}, rejections ${state?.rejections ?? "?"}, exceptions ${state?.exceptions ?? "?"}`,
      `sockets ${state?.socketsIn ?? "?"} in ${state?.socketsOut ?? "?"} out, RSS ${mebibytes(state?.rss ?? 0)}, heap ${mebibytes(state?.heap ?? 0)}`,
      `slowest ${Math.round(this.#slowest)} ms, findings ${this.#findings.list.length}`,
    ].join("; ");
  }
}

export const share = (count: number, of: number): string =>
  `${((100 * count) / Math.max(1, of)).toFixed(0)} %`;

export const mebibytes = (size: number): string => `${(size / 1_048_576).toFixed(0)} MiB`;
