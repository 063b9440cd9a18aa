import type { ServerLog } from "./log.ts";
import type { StandaloneServer } from "./standalone.ts";

const stopSignals = ["SIGTERM", "SIGINT"] as const;

/**
 * Waits for the signal to stop and drains the server.
 *
 * Resolves with the exit code: 0 after the drain, 1 when a second signal asked not to wait for it.
 */
export function untilStopped(server: StandaloneServer, log: ServerLog): Promise<number> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) return settle(1);
      stopping = true;
      log.write({ event: "server.draining" });
      server.drain().then(() => settle(0), reject);
    };
    // Without a listener the signal would end the process, and with it every open WebSocket.
    const reload = (): void =>
      log.write({
        event: "server.reloadRefused",
        level: "warn",
        reason: "SIGHUP does not reload in this version: restart the server",
      });
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
