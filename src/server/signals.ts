import type { ServerLog } from "./log.ts";
import type { Reloader } from "./reload.ts";
import type { StandaloneServer } from "./standalone.ts";

const stopSignals = ["SIGTERM", "SIGINT"] as const;

/** What signals ask of. */
export interface Signalled {
  readonly server: Pick<StandaloneServer, "drain">;
  readonly reloader: Reloader;
  readonly log: ServerLog;
}

/**
 * Keeps a reload that is asked for while the server starts; without a listener the signal would end the process. Returns
 * what says whether there was one, and lets go of the signal.
 */
export function keepEarlyReload(): () => boolean {
  let isAsked = false;
  const note = (): void => {
    isAsked = true;
  };
  process.on("SIGHUP", note);
  return () => {
    process.off("SIGHUP", note);
    return isAsked;
  };
}

/**
 * Waits for the signal to stop and drains the server; reloads whenever `SIGHUP` asks.
 *
 * Resolves with the exit code: 0 after the drain, 1 when a second signal asked not to wait for it.
 */
export function untilStopped({ server, reloader, log }: Signalled): Promise<number> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) return settle(1);
      stopping = true;
      reloader.stop();
      log.write({ event: "server.draining" });
      server.drain().then(() => settle(0), reject);
    };
    const reload = (): void => reloader.ask();
    const settle = (code: number): void => {
      for (const signal of stopSignals) process.off(signal, stop);
      process.off("SIGHUP", reload);
      log.write({
        event: "server.stopped",
        ...(code === 0 ? {} : { level: "warn", reason: "second signal" }),
      });
      resolve(code);
    };
    for (const signal of stopSignals) process.on(signal, stop);
    process.on("SIGHUP", reload);
  });
}
