import { setTimeout as sleep } from "node:timers/promises";
import { type Attack, obstacleFor, usualDeadline } from "./attack.ts";
import { Bout } from "./bout.ts";
import { checkControl, findDamage } from "./control.ts";
import type { Launcher, Target, TargetProcess } from "./target.ts";
import { fell, notApplicable, type Verdict } from "./verdict.ts";
import { Owners } from "./wire/owners.ts";
import { startTrap, type Trap } from "./wire/trap.ts";
import { type Duties, startUpstream, type Upstream } from "./wire/upstream.ts";

/** One attack and what it came to. */
export interface Result {
  readonly attack: Attack;
  readonly verdict: Verdict;
  /** Milliseconds. */
  readonly took: number;
}

/** A proxy that somebody else has started, in front of the address at which the suite is to listen. */
export interface StandingTarget {
  readonly target: Target;
  readonly duties: Duties;
  readonly upstream: { readonly host: string; readonly port: number };
}

/** What a run tells while it runs. */
export interface Watcher {
  result(result: Result): void;
}

/**
 * Tries attacks on a proxy that stands already, one after the other, the slow ones beside them.
 *
 * @throws ControlFailed where the proxy does not work for its own users
 */
export async function attackStanding(
  { target, duties, upstream: at }: StandingTarget,
  attacks: readonly Attack[],
  watcher?: Watcher,
): Promise<Result[]> {
  const upstream = await startUpstream(at, duties, new Owners(target.credential));
  const trap = await startTrap();
  const world = new World({ upstream, trap, target, process: null });
  try {
    await world.check();
    const lanes = bySpeed(attacks).map((lane) => world.fight(lane, watcher));
    return inOrder(attacks, (await Promise.all(lanes)).flat());
  } finally {
    await Promise.all([upstream.close(), trap.close()]);
  }
}

/**
 * Starts proxies by a launcher and tries attacks on them; each lane of attacks has a proxy of its own, and a new one after
 * each fall.
 *
 * @throws ControlFailed where the proxy does not work for its own users
 */
export async function attackLaunched(
  launcher: Launcher,
  attacks: readonly Attack[],
  watcher?: Watcher,
): Promise<Result[]> {
  const lanes = bySpeed(attacks).map(async (lane) => {
    const upstream = await startUpstream(
      { host: "127.0.0.1", port: 0 },
      launcher.duties,
      new Owners(launcher.credential),
    );
    const trap = await startTrap();
    let world: World | undefined;
    try {
      world = new World({ upstream, trap, ...(await launcher.start(upstream.authority)) }, launcher);
      await world.check();
      return await world.fight(lane, watcher);
    } finally {
      await world?.stop();
      await Promise.all([upstream.close(), trap.close()]);
    }
  });
  const settled = await Promise.allSettled(lanes);
  const failed = settled.find((lane) => lane.status === "rejected");
  if (failed) throw failed.reason;
  return inOrder(
    attacks,
    settled.flatMap((lane) => (lane.status === "fulfilled" ? lane.value : [])),
  );
}

/** Those that wait most of their time are a lane of their own. */
function bySpeed(attacks: readonly Attack[]): Attack[][] {
  const isSlow = ({ isSlow: slow }: Attack): boolean => slow === true;
  return [attacks.filter((each) => !isSlow(each)), attacks.filter(isSlow)].filter((lane) => lane.length > 0);
}

const inOrder = (attacks: readonly Attack[], results: readonly Result[]): Result[] =>
  attacks.flatMap((attack) => results.filter((result) => result.attack === attack));

interface Parts {
  readonly upstream: Upstream;
  readonly trap: Trap;
  readonly target: Target;
  readonly process: TargetProcess | null;
}

/** A target with the upstream behind it. */
class World {
  #parts: Parts;
  readonly #launcher: Launcher | undefined;
  /** Whether the target fell, so that the next attack is to meet another. */
  #isSpent = false;

  constructor(parts: Parts, launcher?: Launcher) {
    this.#parts = parts;
    this.#launcher = launcher;
  }

  /** @throws ControlFailed */
  check(): Promise<void> {
    return checkControl(new Bout(this.#parts));
  }

  stop(): Promise<void> {
    return this.#parts.process?.stop() ?? Promise.resolve();
  }

  /** Tries the attacks: the slow ones at once, the others one after the other. */
  async fight(attacks: readonly Attack[], watcher?: Watcher): Promise<Result[]> {
    const tell = (result: Result): Result => {
      watcher?.result(result);
      return result;
    };
    if (attacks.every(({ isSlow }) => isSlow)) {
      return Promise.all(attacks.map(async (attack) => tell(await this.#try(attack))));
    }
    const results: Result[] = [];
    for (const attack of attacks) results.push(tell(await this.#try(attack)));
    return results;
  }

  async #try(attack: Attack): Promise<Result> {
    const startedAt = performance.now();
    const obstacle = obstacleFor(attack, this.#parts.target);
    if (obstacle === null && this.#isSpent) await this.#renew();
    const verdict = obstacle === null ? await this.#judge(attack) : notApplicable(obstacle);
    return { attack, verdict, took: performance.now() - startedAt };
  }

  async #judge(attack: Attack): Promise<Verdict> {
    const bout = new Bout(this.#parts);
    const verdict = await this.#run(attack, bout);
    for (const tag of bout.tags) bout.upstream.unscript(tag);
    if (verdict.outcome === "not applicable") return verdict;
    const damage = await findDamage(bout);
    for (const tag of bout.tags) bout.upstream.unscript(tag);
    if (verdict.outcome === "held" && damage === null) return verdict;
    // A process that falls takes a moment to be gone.
    if (damage !== null) await Promise.race([this.#parts.process?.ended, sleep(1000)]);
    const crash = this.#parts.process?.exited
      ? `the process ended: ${lastLine(this.#parts.process.output)}`
      : null;
    // The slow ones fight side by side, on one target.
    this.#isSpent = !attack.isSlow && (damage !== null || !this.#launcher?.survivesFalls);
    if (crash !== null) return fell(crash);
    return verdict.outcome === "fell" ? verdict : fell(`afterwards ${damage ?? ""}`);
  }

  async #run(attack: Attack, bout: Bout): Promise<Verdict> {
    // A slow one waits for as long as the target is given, and a little for the rest.
    const limit = attack.isSlow ? bout.target.patience + usualDeadline : (attack.deadline ?? usualDeadline);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<Verdict>((resolve) => {
      timer = setTimeout(() => resolve(fell(`no end within ${limit / 1000} s`)), limit);
    });
    const running = attack.run(bout);
    running.catch(() => {});
    try {
      return await Promise.race([running, tooLate]);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!/^E[A-Z]+$/.test(code)) throw new Error(`${attack.id} failed by itself`, { cause: error });
      return fell(`the target cannot be reached (${code})`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A target that fell may be in any state; where it can be started anew, it is. */
  async #renew(): Promise<void> {
    this.#isSpent = false;
    if (!this.#launcher) return;
    await this.stop();
    this.#parts = { ...this.#parts, ...(await this.#launcher.start(this.#parts.upstream.authority)) };
    await this.check();
  }
}

/** The line that says why a process ended: the error's own, not its stack. */
function lastLine(output: string): string {
  const lines = output.trim().split("\n");
  return lines.findLast((line) => /^\s*\w*Error(?: \[\w+\])?: ./.test(line)) ?? lines.at(-1) ?? "";
}
