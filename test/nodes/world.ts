import { createPublicKey } from "node:crypto";
import { createTenantEmulator, type TenantEmulator, type TenantEmulatorOptions } from "../../src/emulator.ts";
import { type ConfigFolder, createConfigFolder, privateKeyPem } from "../config/config-folder.ts";
import type { TestSocket } from "../support/stack.ts";
import {
  createNodeClient,
  type NodeClient,
  type Outcome,
  type RequestOrder,
  type User,
} from "./node-client.ts";
import { adminToken, type NodeProcess, startNode, untilReadiness } from "./node-process.ts";
import { openRoundRobinDoor, type RoundRobinDoor } from "./round-robin-door.ts";
import { keepLedger, type TenantLedger } from "./tenant-ledger.ts";

/** The local tenant, a few nodes in front of it, and what stands before them. */
export interface World {
  readonly tenant: TenantEmulator;
  readonly ledger: TenantLedger;
  /** Those that were started and not taken out, in the order of their places. */
  readonly nodes: readonly NodeProcess[];
  readonly door: RoundRobinDoor;
  readonly client: NodeClient;
  /** A request to the node in a place. */
  ask(place: number, user: User, path: string, order?: RequestOrder): Promise<Outcome>;
  /** A socket to the engine through the node in a place. */
  socket(place: number, user: User): TestSocket;
  /** Starts a node in the place of one that has ended. */
  replace(place: number): Promise<NodeProcess>;
  close(): Promise<void>;
}

/** How a world differs from the usual one. */
export interface WorldOptions {
  /** 3 by default. */
  readonly nodes?: number;
  /** Where each node listens, for good; any free port by default. */
  readonly ports?: readonly number[];
  /** `session.store` of all nodes. */
  readonly store: string;
  readonly tenant?: TenantEmulatorOptions;
  /** Whether the nodes are left to themselves before they have reached the store; not by default. */
  readonly isUnready?: boolean;
  /** Groups of the configuration, whose keys are laid over the usual ones. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const issuer = "portal.example.test";
const keyId = "key-1";

/** The time that logins of these tests may take: some tenants are made slow by seconds. */
const loginTimeout = "20s";

function writeConfig(
  folder: ConfigFolder,
  { store, config = {} }: WorldOptions,
  { publicOrigin, tenantOrigin }: { readonly publicOrigin: string; readonly tenantOrigin: string },
): string {
  folder.write("token", `${adminToken}\n`);
  folder.write("secret", `${"0123456789abcdef".repeat(4)}\n`);
  const groups: Record<string, Readonly<Record<string, unknown>>> = {
    session: { store, secretFile: "secret" },
    timeouts: { login: loginTimeout, drainDelay: "0s" },
    limits: { loginsPerMinute: 6000 },
  };
  for (const [name, keys] of Object.entries(config)) groups[name] = { ...groups[name], ...keys };
  return folder.write(
    "config.json",
    JSON.stringify({
      publicOrigin,
      admin: { listen: "127.0.0.1:0", tokenFile: "token" },
      tenant: { origin: tenantOrigin, signingKeys: [{ issuer, keyId, privateKeyFile: "key.pem" }] },
      identity: {
        trustedHeader: {
          from: ["127.0.0.1/32"],
          subject: "X-User-Sub",
          name: "X-User-Name",
          email: "X-User-Email",
          sessionId: "X-User-Session",
        },
      },
      unsafe: { plainHttpTenant: true, plainHttpPublic: true },
      ...groups,
    }),
  );
}

/** Starts a world; whoever starts it closes it. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const closing: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closing.splice(0).reverse()) await each();
  };
  try {
    const folder = createConfigFolder();
    closing.push(() => folder.remove());
    const pem = String(createPublicKey(privateKeyPem).export({ type: "spki", format: "pem" }));
    const tenant = await createTenantEmulator({
      plainHttp: true,
      identityProviders: [{ issuer, keyId, pem }],
      ...options.tenant,
    });
    closing.push(() => tenant.close());
    const ledger = keepLedger(tenant);
    closing.push(() => ledger.close());
    const door = await openRoundRobinDoor();
    closing.push(() => door.close());
    const client = createNodeClient(door.origin);
    closing.push(() => client.close());
    const file = writeConfig(folder, options, { publicOrigin: door.origin, tenantOrigin: tenant.origin });
    const places = Array.from({ length: options.nodes ?? 3 }, (_, place) => place);
    const start = (place: number): Promise<NodeProcess> =>
      startNode(`node ${place}`, file, options.ports?.[place]);
    const started = await Promise.allSettled(places.map(start));
    const nodes = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    closing.push(() => Promise.all(nodes.map((node) => node.kill())));
    const failed = started.find((each) => each.status === "rejected");
    if (failed) throw failed.reason;
    // A front door sends nobody to a node that has not reached its store yet.
    if (options.isUnready !== true) await untilReadiness(nodes, 200);
    const lead = (): void => door.leadTo(nodes.map(({ port }) => port));
    lead();
    const portOf = (place: number): number => (nodes[place] as NodeProcess).port;
    return {
      tenant,
      ledger,
      nodes,
      door,
      client,
      ask: (place, ...order) => client.ask(portOf(place), ...order),
      socket: (place, user) => client.socket(portOf(place), user),
      async replace(place) {
        const node = await start(place);
        nodes[place] = node;
        await untilReadiness([node], 200);
        lead();
        return node;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Time-outs for proofs that keep a small machine busy for long: what is proved is not how fast it is. With the defaults
 * (500 ms for the store, 5 s to connect) a process that gets no turn for so long would be told that the others are down.
 */
export const patientTimeouts: Readonly<Record<string, string>> = { store: "5s", connect: "20s" };

/** Makes every login at the tenant take this long from now on. Milliseconds. */
export function slowLogins({ tenant }: Pick<World, "tenant">, ms: number): void {
  tenant.clearFaults();
  tenant.fault({ path: "/login/jwt-session", kind: "delay", ms });
}
