import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DestinationStream } from "pino";
import type { ProxyEvent } from "../kernel/channels.ts";
import type { ChannelName } from "../kernel/events.ts";
import { LineBuffer } from "./line-buffer.ts";

/** What is told on "store" is for metrics alone. */
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
  "upstreamMs",
  "bytes",
  "bytesUp",
  "code",
  "reason",
  "outcome",
  "url",
  "adminUrl",
  "edgeUrl",
] as const satisfies readonly (keyof ServerEvent)[];

/** What the server itself tells of, in which case the last fields may be there. */
type ServerEvent = ProxyEvent & {
  readonly url?: string;
  readonly adminUrl?: string;
  readonly edgeUrl?: string;
};

/** Where the server's own state changes and the library's events are written. */
export interface ServerLog {
  /** Writes one line for a state change of the server itself. */
  write(event: ServerEvent): void;
  /** Stops listening and writes out what is buffered. */
  close(): void;
}

/** Starts to write one JSON line per event; to standard output by default. `worker` stands in each line, if given. */
export function createServerLog(stream?: DestinationStream, worker?: number): ServerLog {
  const target = stream ?? new LineBuffer();
  const origin = worker === undefined ? "" : `"worker":${worker},`;
  if (target instanceof LineBuffer) {
    target.onDropped = (lines) =>
      lineOf({ event: "log.dropped", level: "warn", reason: `${lines} lines, which nobody read` }, origin);
  }
  const writeOut = (): void => {
    if ("flush" in target && typeof target.flush === "function") target.flush();
  };
  const listener = (message: unknown): void => {
    const event = message as ProxyEvent;
    if (event.level === "debug") return;
    target.write(lineOf(event, origin));
    // Only lines of exchanges that went well may wait a moment.
    if (!isOfExchange(event) || isUrgent(event.level)) writeOut();
  };
  for (const name of channelNames) subscribe(`qsp:${name}`, listener);
  return {
    write(event) {
      target.write(lineOf(event, origin));
      writeOut();
    },
    close() {
      for (const name of channelNames) unsubscribe(`qsp:${name}`, listener);
      if ("flushSync" in target && typeof target.flushSync === "function") target.flushSync();
    },
  };
}

const isOfExchange = ({ event }: ProxyEvent): boolean =>
  event === "exchange.finished" || event === "edge.decided";

const isUrgent = (level: ProxyEvent["level"]): boolean => level === "error" || level === "warn";

/**
 * The line of an event. Earned by: bench 200B. There is one for each exchange, and a logger that takes any object walks over
 * it; here the fields are known, and no value is an object.
 */
function lineOf(event: ServerEvent, origin: string): string {
  let line = `{"level":"${event.level ?? "info"}",${origin}"time":"${isoTime(Date.now())}"`;
  for (const field of fields) {
    const value = event[field];
    if (value !== undefined) line += `,"${field}":${toJson(value)}`;
  }
  return `${line}}\n`;
}

/** What stands in JSON as it is. */
const plainText = /^[\w ./:-]*$/;

const toJson = (value: string | number): string =>
  typeof value === "string" && plainText.test(value) ? `"${value}"` : JSON.stringify(value);

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
