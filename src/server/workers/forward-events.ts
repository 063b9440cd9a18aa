import type { Clock } from "../../kernel/clock.ts";
import { mostEvents, type NotableEvent, watchEvents } from "../console/recent-events.ts";

/** How long an event waits for others before they are sent. Milliseconds. */
const pause = 500;

/**
 * Tells another process what is worth showing of this one, until the returned function is called. One message in half a
 * second at most, with no more than is ever shown, however much happens.
 */
export function forwardEvents(clock: Clock, send: (events: readonly NotableEvent[]) => void): () => void {
  let waiting: NotableEvent[] = [];
  return watchEvents(clock.now, (event) => {
    if (waiting.length === 0) {
      clock.setTimer(pause, () => {
        const events = waiting;
        waiting = [];
        send(events);
      });
    }
    waiting.push(event);
    if (waiting.length > mostEvents) waiting.shift();
  });
}
