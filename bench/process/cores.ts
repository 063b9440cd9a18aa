import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Core of the contenders; everything else is on the other one. */
export const contenderCore = 1;
const otherCore = 0;

/** Whether processes can be bound to a core of their own here. */
export const canPin: boolean =
  availableParallelism() > 1 && spawnSync("taskset", ["--version"], { stdio: "ignore" }).status === 0;

/** Binds this process, and what it starts from now on, to the core of tenant and load. */
export function pinOurselves(): void {
  if (canPin) spawnSync("taskset", ["-cp", String(otherCore), String(process.pid)], { stdio: "ignore" });
}

/** A command line that runs on that core. */
export const onCore = (core: number, command: string, args: readonly string[]): readonly [string, string[]] =>
  canPin ? ["taskset", ["-c", String(core), command, ...args]] : [command, [...args]];
