import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Ticks of a second in `/proc/PID/stat`: a constant of Linux on every machine that runs Node. @see proc(5) */
const ticksPerSecond = 100;

/** What a program uses: its first process and all below it. */
export interface Usage {
  /** Seconds of CPU so far, of user and system, all threads. */
  cpu(): number;
  /** The same of the main thread of the first process alone. */
  mainCpu(): number;
  /** KiB in memory now. */
  memory(): number;
  /** Most KiB in memory since the last `forget`, or since the start where the kernel does not let us forget. */
  peak(): number;
  forget(): void;
}

/** Watches a process and those that it has started by now. */
export function usageOf(pid: number): Usage {
  const pids = family(pid);
  const sum = (of: (each: number) => number): number => pids.reduce((total, each) => total + of(each), 0);
  return {
    cpu: () => sum((each) => cpuOf(`${each}`)),
    mainCpu: () => cpuOf(`${pid}/task/${pid}`),
    memory: () => sum((each) => statusOf(each, "VmRSS")),
    peak: () => sum((each) => statusOf(each, "VmHWM")),
    forget() {
      for (const each of pids) {
        try {
          // "5" sets the high-water mark to what is in memory now. @see proc(5), clear_refs
          writeFileSync(`/proc/${each}/clear_refs`, "5");
        } catch {
          // Not ours to write: the mark is that of the whole run then, which is more, never less.
        }
      }
    },
  };
}

/** What stands behind the name in `/proc/PID/stat`; the name may hold spaces and brackets. */
const statOf = (task: string): string[] => {
  const text = readFileSync(`/proc/${task}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
};

/** The fields utime and stime, 14 and 15 of the whole line. */
function cpuOf(task: string): number {
  const fields = statOf(task);
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function statusOf(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}

function family(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(statOf(name)[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const members = [pid];
  for (const member of members) {
    for (const [each, parent] of parents) if (parent === member) members.push(each);
  }
  return members;
}
