import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The processes that a process has started, by their ids. Linux only, as the tests are. */
export function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** Which of these processes has the TCP connection whose own end is at `port`. */
export function ownerOfPort(port: number, pids: readonly number[]): number | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1);
  const inode = rows
    .map((row) => row.trim().split(/\s+/))
    .find(([, local]) => local?.endsWith(`:${wanted}`))?.[9];
  return pids.find((pid) => socketsOf(pid).includes(`socket:[${inode}]`));
}

const socketsOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "";
    }
  });
