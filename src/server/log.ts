import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type DestinationStream, type Logger, pino } from "pino";
import type { ChannelName, ProxyEvent } from "../kernel/channels.ts";
import { LineBuffer } from "./line-buffer.ts";

const channelNames: readonly ChannelName[] = ["exchange", "session", "login", "socket", "policy"];

/** The fields of a line, in this order. Whatever else an event holds is not written. */
const fields = [
  "event",
  "traceId",
  "session",
  "subjectHash",
  "tenant",
  "route",
  "method",
  "status",
  "ms",
  "bytes",
  "code",
  "reason",
  "outcome",
] as const satisfies readonly (keyof ProxyEvent)[];

/** Where the server's own state changes and the library's events are written. */
export interface ServerLog {
  /** Writes one line for a state change of the server itself. */
  write(event: ProxyEvent & { readonly url?: string; readonly adminUrl?: string }): void;
  /** Stops listening and writes out what is buffered. */
  close(): void;
}

/** Starts to write one JSON line per event; to standard output by default. `worker` stands in each line, if given. */
export function createServerLog(stream?: DestinationStream, worker?: number): ServerLog {
  const target = stream ?? new LineBuffer();
  const logger = pino(
    {
      base: worker === undefined ? null : { worker },
      timestamp: () => `,"time":"${isoTime(Date.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  const writeOut = (): void => {
    if ("flush" in target && typeof target.flush === "function") target.flush();
  };
  const listener = (message: unknown): void => {
    const event = message as ProxyEvent;
    writeLine(logger, event.level, lineOf(event));
    // Only lines of exchanges that went well may wait a moment.
    if (event.event !== "exchange.finished" || isUrgent(event.level)) writeOut();
  };
  for (const name of channelNames) subscribe(`qsp:${name}`, listener);
  return {
    write(event) {
      const line = lineOf(event);
      if (event.url !== undefined) line["url"] = event.url;
      if (event.adminUrl !== undefined) line["adminUrl"] = event.adminUrl;
      writeLine(logger, event.level, line);
      writeOut();
    },
    close() {
      for (const name of channelNames) unsubscribe(`qsp:${name}`, listener);
      if ("flushSync" in target && typeof target.flushSync === "function") target.flushSync();
    },
  };
}

const isUrgent = (level: ProxyEvent["level"]): boolean => level === "error" || level === "warn";

function lineOf(event: ProxyEvent): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const field of fields) {
    const value = event[field];
    if (value !== undefined) line[field] = value;
  }
  return line;
}

function writeLine(logger: Logger, level: ProxyEvent["level"], line: Record<string, unknown>): void {
  logger[level ?? "info"](line);
}

let second = -1;
let secondText = "";

/** A time as `toISOString` writes it; the text of a second is made once. Earned by: bench 200B. */
function isoTime(at: number): string {
  const ofSecond = at % 1000;
  if (at - ofSecond !== second) {
    second = at - ofSecond;
    secondText = new Date(second).toISOString().slice(0, -4);
  }
  return `${secondText}${String(ofSecond).padStart(3, "0")}Z`;
}
