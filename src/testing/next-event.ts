import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ProxyEvent } from "../kernel/channels.ts";
import { eventTable, type EventName } from "../kernel/events.ts";
import { refuseInProduction } from "./refuse-production.ts";

/** Which event is waited for, and how long. */
export interface NextEventOptions {
  /** Whether an event is the one; the first of its name by default. */
  readonly where?: (event: ProxyEvent) => boolean;
  /** How long it may take, by the machine's clock. Milliseconds, more than 0; 5000 by default. */
  readonly within?: number;
}

/** As long as test runners commonly let a test run. Milliseconds. */
const usualLimit = 5000;

/** Events that are named when the right one has not come. */
const mostNamed = 20;

const isChannel = (name: string | null): name is string => name !== null;
const channelNames = [...new Set(Object.values(eventTable).map(({ channel }) => channel))].filter(isChannel);

/**
 * Waits for the next event of a name, of any proxy of this process: `session.created`, `session.renewed`, `session.ended`,
 * `login.succeeded`, `socket.closed` and the others of docs/reference/log-events.md. Ask before what should cause it, and
 * await afterwards. Rejects when the time is over, and says what came instead.
 */
export function nextEvent(
  name: EventName,
  { where = () => true, within = usualLimit }: NextEventOptions = {},
): Promise<ProxyEvent> {
  refuseInProduction("nextEvent");
  if (eventTable[name].channel === null)
    return Promise.reject(new Error(`${name} stands in the log of the server only: nobody else is told.`));
  return new Promise((resolve, reject) => {
    const others: string[] = [];
    const listen = (message: unknown): void => {
      const event = message as ProxyEvent;
      if (event.event !== name) {
        if (event.level !== "debug" && others.length < mostNamed) others.push(event.event);
        return;
      }
      try {
        if (!where(event)) return;
        stop();
        resolve(event);
      } catch (error) {
        stop();
        reject(error as Error);
      }
    };
    const timer = setTimeout(() => {
      stop();
      reject(
        new Error(`No ${name} within ${within} ms; there was: ${others.join(", ") || "no event at all"}.`),
      );
    }, within);
    const stop = (): void => {
      clearTimeout(timer);
      for (const channel of channelNames) unsubscribe(`qsp:${channel}`, listen);
    };
    for (const channel of channelNames) subscribe(`qsp:${channel}`, listen);
  });
}
