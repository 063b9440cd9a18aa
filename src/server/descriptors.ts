import { close, open } from "node:fs";
import { devNull } from "node:os";
import { publish } from "../kernel/channels.ts";
import type { AnyServer } from "./listener.ts";

/** How often it is looked whether there is a descriptor left. Milliseconds. */
const lookEvery = 1000;

/** What a system says that has no descriptor left for this process, or for anybody. */
const isShortage = (error: NodeJS.ErrnoException | null): boolean =>
  error?.code === "EMFILE" || error?.code === "ENFILE";

/**
 * Tells when a listening server has run out of descriptors, and when it has some again. Connections that come meanwhile are
 * closed below node, which hears of it only where that fails too. Returns what stops it.
 */
export function watchDescriptors(server: AnyServer): () => void {
  let isOut = false;
  const tell = (isOutNow: boolean): void => {
    if (isOutNow === isOut) return;
    isOut = isOutNow;
    publish("policy", () => (isOut ? exhausted : recovered));
  };
  const look = (): void =>
    open(devNull, "r", (error, descriptor) => {
      tell(isShortage(error));
      if (error === null) close(descriptor, () => {});
    });
  // Without a listener it would end the process.
  server.on("error", (error: NodeJS.ErrnoException) => {
    if (!isShortage(error)) throw error;
    tell(true);
  });
  const timer = setInterval(look, lookEvery).unref();
  return () => clearInterval(timer);
}

const exhausted = {
  event: "descriptors.exhausted",
  level: "error",
  reason:
    "no file descriptor is left: new connections are closed at once, and requests that need one to the tenant fail; raise ulimit -n (LimitNOFILE= of systemd), or lower limits.sockets and upstream.total",
} as const;

const recovered = {
  event: "descriptors.recovered",
  reason: "there are file descriptors again: connections are taken",
} as const;
