import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";

/** What another process holds, as the kernel counts it; memory in bytes. */
export interface ProcessHoldings {
  /** What it holds now. */
  resident(): number;
  /** The most that it held since the last `forget`. */
  peak(): number;
  /** Begins to count the most anew. proc(5), clear_refs */
  forget(): void;
  /** Connections and listeners. */
  sockets(): number;
}

export function holdingsOf(pid: number): ProcessHoldings {
  const read = (name: string): number => {
    const [, value = "0"] =
      new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(value) * 1024;
  };
  return {
    resident: () => read("VmRSS"),
    peak: () => read("VmHWM"),
    forget: () => writeFileSync(`/proc/${pid}/clear_refs`, "5"),
    sockets: () => readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length,
  };
}

/** False also for a descriptor that was closed meanwhile. */
function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith("socket:");
  } catch {
    return false;
  }
}
