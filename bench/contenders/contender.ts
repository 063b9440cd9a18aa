import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { contenderCore } from "../process/cores.ts";
import { freePort, type Program, type Running, startProgram } from "../process/start.ts";
import { type Usage, usageOf } from "../process/usage.ts";
import { prefix } from "../site.ts";
import type { Tenant } from "../tenant/tenant.ts";

/** Where a contender listens, whom it stands in front of, and where its files are. */
export interface Place {
  readonly port: number;
  readonly tenant: Tenant;
  /** A folder of its own. */
  readonly folder: string;
}

/**
 * What a contender is there for: `ours` is the product in one of its forms; a `yardstick` is what the goals are ratios
 * of; an `onlooker` is there for comparison, with fewer rounds; a `trial` is the product with a part replaced by the
 * bench, and is measured only where that part is.
 */
export type Role = "ours" | "yardstick" | "onlooker" | "trial";

/** A proxy that is measured. */
export interface Contender {
  readonly name: string;
  readonly role: Role;
  /** What its set-up is, in a few words. */
  readonly what: string;
  /** Whether WebSockets are part of its set-up. */
  readonly hasSockets: boolean;
  /** Whether it turns the tenant's links in JSON into its own. */
  readonly rewritesLinks: boolean;
  /** Why it cannot be had on this machine; null if it can. */
  obstacle(): string | null;
  version(): string;
  /** Writes what it needs, and says how it is started. */
  program(place: Place): Program;
}

/** A contender that runs. */
export interface Standing {
  readonly contender: Contender;
  /** Where it is mounted, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly tenant: Tenant;
  readonly usage: Usage;
  readonly running: Running;
}

/** Starts a contender on its core. */
export async function startContender(
  contender: Contender,
  tenant: Tenant,
  parent: string,
): Promise<Standing> {
  const port = await freePort();
  const folder = join(parent, `${contender.name}-${port}`);
  mkdirSync(folder, { recursive: true });
  const running = await startProgram(contender.program({ port, tenant, folder }), {
    core: contenderCore,
    port,
    logFile: join(folder, "log"),
  });
  return {
    contender,
    url: `http://127.0.0.1:${port}${prefix}`,
    port,
    tenant,
    usage: usageOf(running.pid),
    running,
  };
}
