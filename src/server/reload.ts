import { createSecureContext } from "node:tls";
import { type OptionProblem, OptionsError } from "../errors.ts";
import type { Identify } from "../identity/identify.ts";
import { revealed } from "../kernel/secret.ts";
import { changedPlaces } from "../options/changed-options.ts";
import { needsRestart } from "../options/fixed-options.ts";
import type { Reloaded } from "../proxy/session-proxy.ts";
import { formatListenAddress } from "./config/listen-address.ts";
import type { LoadedConfig, ServerConfig } from "./config/load.ts";
import { toWrittenPath } from "./config/to-library-options.ts";
import type { ServerLog } from "./log.ts";

/** What a reload needs of the process around it. */
export interface ReloaderOptions {
  /** Reads the configuration anew. @throws OptionsError */
  readonly load: () => LoadedConfig;
  /** Puts it into force, or throws an OptionsError and changes nothing. */
  readonly apply: (loaded: LoadedConfig) => Reloaded | Promise<Reloaded>;
  readonly log: ServerLog;
  /** What the server was started with. */
  readonly config: ServerConfig;
}

/** Reloads when it is asked to. */
export interface Reloader {
  /** One reload at a time: who asks during one gets another one after it, which reads the files of then. */
  ask(): void;
  /** From now on who asks is told that the server stops. */
  stop(): void;
}

/** Creates what `SIGHUP` asks. rules R15 */
export function createReloader({ load, apply, log, config }: ReloaderOptions): Reloader {
  let current = config;
  let isBusy = false;
  let isAskedAgain = false;
  let isStopped = false;
  const refuse = (reason: string): void =>
    log.write({ event: "server.reloadRefused", level: "error", reason });

  const once = async (): Promise<void> => {
    try {
      const loaded = load();
      const { config: next, warnings } = loaded;
      const { socketsClosed } = await apply(loaded);
      for (const { path, message } of warnings)
        log.write({ event: "config.warned", level: "warn", reason: `${path}: ${message}` });
      log.write({ event: "server.reloaded", reason: summaryOf(current, next, socketsClosed) });
      current = next;
    } catch (error) {
      refuse(error instanceof OptionsError ? listOf(error.problems) : "it failed; nothing was changed");
    }
  };

  const work = async (): Promise<void> => {
    isBusy = true;
    do {
      isAskedAgain = false;
      await once();
    } while (isAskedAgain && !isStopped);
    isBusy = false;
  };

  return {
    ask() {
      if (isStopped) refuse("the server is stopping");
      else if (isBusy) isAskedAgain = true;
      else void work();
    },
    stop() {
      isStopped = true;
    },
  };
}

const listOf = (problems: readonly OptionProblem[]): string =>
  problems.map(({ path, message }) => `${toWrittenPath(path, new Map())}: ${message}`).join("; ");

function summaryOf(before: ServerConfig, after: ServerConfig, socketsClosed: number): string {
  const changed = changedPlaces(visible(before), visible(after)).map((place) =>
    toWrittenPath(place, new Map()),
  );
  const sockets = `${socketsClosed} ${socketsClosed === 1 ? "WebSocket" : "WebSockets"} closed`;
  return `changed: ${changed.length === 0 ? "nothing" : [...new Set(changed)].join(", ")}; ${sockets}`;
}

/** A configuration by the names that the operator writes; two secrets for the same are one place. */
const visible = ({ options, tls, admin, edge }: ServerConfig): Readonly<Record<string, unknown>> => ({
  ...options,
  // A function is never another one; what it was made of may be.
  identity: (options.identify as Identify).madeOf,
  tls,
  admin,
  edge,
});

/** Does every step, so that all problems are found in one pass. @throws OptionsError with those of all steps */
export function inOnePass(...steps: readonly (() => unknown)[]): void {
  const problems: OptionProblem[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new OptionsError(problems);
}

/**
 * Checks what holds as long as the server's listeners: their addresses, who serves them, and whether they speak TLS.
 *
 * @throws OptionsError
 */
export function checkListeners(before: ServerConfig, after: ServerConfig): void {
  const changed = changedPlaces(fixedParts(before), fixedParts(after));
  const problems = changed.map((path) => ({ path, message: needsRestart }));
  if (problems.length > 0) throw new OptionsError(problems);
}

/** What of a configuration holds as long as the listeners. */
export const fixedParts = ({
  listen,
  workers = 1,
  tls,
  http2 = false,
  admin,
  edge,
}: ServerConfig): Readonly<Record<string, unknown>> => ({
  listen: formatListenAddress(listen),
  workers,
  http2,
  tls: tls === undefined ? "none" : "some",
  admin: { listen: admin && formatListenAddress(admin.listen) },
  edge: { listen: edge && formatListenAddress(edge.listen) },
});

/** Checks that a certificate can be used, before the one in use is given up. @throws OptionsError */
export function checkCertificate(tls: ServerConfig["tls"]): void {
  if (tls === undefined) return;
  try {
    createSecureContext({ cert: tls.cert, key: revealed(tls.key) });
  } catch {
    throw new OptionsError([{ path: "tls.cert", message: "cannot be used with tls.key" }]);
  }
}
