import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** What the library published and what nobody caught, while it was watched. */
export interface ObservedProcess {
  /** Every event of every channel as JSON, one each. */
  readonly events: readonly string[];
  /** Exceptions and rejections that would have ended the process. */
  readonly uncaught: readonly unknown[];
  stop(): void;
}

const channels = ["exchange", "session", "login", "socket", "policy"].map((name) => `qsp:${name}`);

/** Listens to all channels of the library, and for whatever would end the process. */
export function observeProcess(): ObservedProcess {
  const events: string[] = [];
  const uncaught: unknown[] = [];
  const onEvent = (event: unknown): void => void events.push(JSON.stringify(event));
  const onUncaught = (error: unknown): void => void uncaught.push(error);
  for (const name of channels) subscribe(name, onEvent);
  process.on("unhandledRejection", onUncaught);
  process.on("uncaughtExceptionMonitor", onUncaught);
  return {
    events,
    uncaught,
    stop() {
      for (const name of channels) unsubscribe(name, onEvent);
      process.off("unhandledRejection", onUncaught);
      process.off("uncaughtExceptionMonitor", onUncaught);
    },
  };
}
