import cluster from "node:cluster";
import { randomBytes } from "node:crypto";
import { type OptionProblem, OptionsError } from "../../errors.ts";
import { systemClock } from "../../kernel/clock.ts";
import type { Secret } from "../../kernel/secret.ts";
import { isPlainObject } from "../../options/check-shape.ts";
import { changedPlaces } from "../../options/changed-options.ts";
import { needsRestart } from "../../options/fixed-options.ts";
import { eachOptions, resolveAll } from "../../options/several-tenants.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import { openStore } from "../../proxy/open-store.ts";
import type { Reloaded } from "../../proxy/session-proxy.ts";
import type { SessionStore } from "../../store/session-store.ts";
import { toWebhookKey } from "../admin-webhook.ts";
import type { LoadedConfig, ServerConfig } from "../config/load.ts";
import { RecentEvents } from "../console/recent-events.ts";
import { listen, removeDeadSocket } from "../listener.ts";
import { fixedParts } from "../reload.ts";
import { createAdmin, shownTenant } from "../admin.ts";
import { closeNow, toUrl } from "../standalone.ts";
import { Crew } from "./crew.ts";
import { createCrewControl, crewReadiness } from "./crew-control.ts";
import { CrewReadings } from "./crew-readings.ts";
import { callsOf } from "./kept-store.ts";

/** A server of several processes. */
export interface WorkersServer {
  readonly url: string;
  readonly adminUrl: string | undefined;
  readonly edgeUrl: string | undefined;
  /** All workers prepare, then all commit; where one objects, nothing changes. @throws OptionsError */
  reload(next: LoadedConfig): Promise<Reloaded>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** What a drain may take beyond its own limits, for messages between processes. Milliseconds. */
const drainSlack = 5000;

/**
 * Starts `workers` processes that serve one address; `write` takes whole lines of their logs. This one serves the private listener, and keeps the store where no two
 * processes could share it.
 *
 * @throws OptionsError, ListenError; then nothing is left running
 */
export async function startWorkers(
  loaded: LoadedConfig,
  write: (lines: string) => void,
): Promise<WorkersServer> {
  const { config, parcel: given } = loaded;
  if (!cluster.isPrimary) throw new OptionsError([insideAnother]);
  if (given === null) throw new Error("a configuration for one process");
  const store = keptStoreOf(loaded);
  const made = randomBytes(32).toString("base64");
  let current = { config, webhookKey: toWebhookKey(config.admin), parcel: withSecret(config, given, made) };
  const events = config.admin && new RecentEvents(systemClock.now);
  const crew = new Crew({
    write,
    count: config.workers ?? 1,
    calls: (number) => ({
      ...(store && callsOf(store, (message) => crew.tellOthers(number, "heard", message))),
      ...(events && { happened: (told) => events.addAll(told) }),
    }),
    order: (number) => ({
      number,
      parcel: current.parcel,
      isStoreKept: store !== null,
      isWatched: events !== undefined,
    }),
  });
  let isDraining = false;
  const admin =
    events &&
    createAdmin({
      control: createCrewControl(crew),
      readings: new CrewReadings(crew),
      events,
      tenant: shownTenant(config.options),
      readiness: () => (isDraining ? "draining" : crewReadiness(crew)),
      token: () => current.config.admin?.token,
      webhookKey: () => current.webhookKey,
    });
  const close = async (): Promise<void> => {
    await crew.end();
    await Promise.all([store?.close(), admin && closeNow(admin.server)]);
    admin?.close();
  };
  try {
    for (const address of [config.listen, config.edge?.listen]) if (address) await removeDeadSocket(address);
    const { url, edgeUrl } = await crew.start();
    const adminAddress = admin && config.admin && (await listen(admin.server, config.admin.listen));
    return {
      url,
      edgeUrl,
      adminUrl: adminAddress && toUrl(adminAddress, false),
      async reload(next) {
        const problems = problemsOf(current.config, next.config);
        // It is for one process alone, which only a restart can do.
        if (next.parcel === null) throw new OptionsError(problems);
        const parcel = withSecret(next.config, next.parcel, made);
        const webhookKey = toWebhookKey(next.config.admin);
        try {
          const socketsClosed = await crew.reload(parcel, () => {
            if (problems.length > 0) throw new OptionsError([]);
            current = { config: next.config, webhookKey, parcel };
          });
          return { socketsClosed };
        } catch (error) {
          if (!(error instanceof OptionsError)) throw error;
          // Each worker says the same, and so may this process.
          const all = new Map([...problems, ...error.problems].map((each) => [each.path, each]));
          throw new OptionsError([...all.values()]);
        }
      },
      async drain() {
        isDraining = true;
        await crew.drain(config.drain.delay + config.drain.deadline + drainSlack, store?.reach === "process");
        await close();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const insideAnother: OptionProblem = {
  path: "workers",
  message:
    "must be 1 here: another program runs this process as a worker of node:cluster, as pm2 in cluster mode does",
};

/** What of the listeners cannot change; the private one no worker sees. */
function problemsOf(before: ServerConfig, after: ServerConfig): readonly OptionProblem[] {
  const changed = changedPlaces(fixedParts(before), fixedParts(after));
  return changed.map((path) => ({ path, message: needsRestart }));
}

/** Several tenants have one store. */
function firstOptions({ options }: ServerConfig): ResolvedOptions {
  const [first] = eachOptions(resolveAll(options));
  if (first === undefined) throw new Error("a configuration without a tenant");
  return first;
}

/** The store that no two processes could open; null where each worker reaches it by itself. */
function keptStoreOf({ config }: LoadedConfig): SessionStore | null {
  const { store, timeouts } = firstOptions(config);
  const isShared = store.kind === "redis" || store.kind === "custom";
  return isShared ? null : openStore(store, { clock: systemClock, timeout: timeouts.store });
}

/**
 * The parcel with a secret that all workers have: with the memory store it may be left out, and one that is made up in each
 * of them would open nothing of the others.
 */
function withSecret(config: ServerConfig, parcel: Secret, made: string): string {
  if (firstOptions(config).store.kind !== "memory") return parcel.reveal();
  const tree = JSON.parse(parcel.reveal()) as Record<string, unknown>;
  const session = isPlainObject(tree["session"]) ? tree["session"] : {};
  const { secret } = session;
  const lines = typeof secret === "string" ? `${secret}\n${made}` : made;
  return JSON.stringify({ ...tree, session: { ...session, secret: lines } });
}
