import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { destination, type DestinationStream, type Logger, pino } from "pino";
import type { ChannelName, ProxyEvent } from "../kernel/channels.ts";

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

/** Starts to write one JSON line per event; to standard output by default. */
export function createServerLog(stream?: DestinationStream): ServerLog {
  const target = stream ?? toStandardOutput();
  const logger = pino(
    {
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  const listener = (message: unknown): void => writeEvent(logger, message as ProxyEvent);
  for (const name of channelNames) subscribe(`qsp:${name}`, listener);
  return {
    write(event) {
      const { url, adminUrl } = event;
      writeEvent(logger, event, {
        ...(url === undefined ? {} : { url }),
        ...(adminUrl === undefined ? {} : { adminUrl }),
      });
    },
    close() {
      for (const name of channelNames) unsubscribe(`qsp:${name}`, listener);
      if ("flushSync" in target && typeof target.flushSync === "function") target.flushSync();
    },
  };
}

function writeEvent(logger: Logger, event: ProxyEvent, extra: Readonly<Record<string, string>> = {}): void {
  const line: Record<string, unknown> = {};
  for (const field of fields) {
    const value = event[field];
    if (value !== undefined) line[field] = value;
  }
  logger[event.level ?? "info"]({ ...line, ...extra });
}

/** Lines are written while the process goes on; a reader that has gone away must not end it. */
function toStandardOutput(): DestinationStream {
  const output = destination({ dest: 1, sync: false });
  output.on("error", () => {});
  return output;
}
