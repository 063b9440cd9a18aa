import type { Readable } from "node:stream";

/** A line longer than this is written in parts; ours have a few hundred characters. */
const longestLine = 256 * 1024;

/** Passes on the output of a process in whole lines, so that those of several processes do not mix. */
export function passLines(from: Readable, write: (lines: string) => void): void {
  let rest = "";
  from.setEncoding("utf8");
  from.on("data", (chunk: string) => {
    const text = rest + chunk;
    const end = text.length > longestLine ? text.length : text.lastIndexOf("\n") + 1;
    rest = text.slice(end);
    if (end > 0) write(text.slice(0, end));
  });
  from.on("end", () => {
    if (rest !== "") write(`${rest}\n`);
  });
  from.on("error", () => {});
}
