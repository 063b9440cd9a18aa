import { randomBytes } from "node:crypto";
import { createTenantEmulator } from "../emulator/create-tenant-emulator.ts";
import type { TenantEmulator } from "../emulator/tenant-emulator.ts";
import { createPortal } from "../portal/create-portal.ts";
import { createKeyPair } from "./key-pair.ts";
import { parseFlags, parsePort } from "./parse-arguments.ts";
import { refusedInProduction, reportFailure } from "./report-problems.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { say, type Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy demo [--port N] [--host H]

Starts a local tenant, a sample portal with two sample users, and the proxy between them.
Prints one URL per line, the portal's first, then "ready". No file, no account, no network.

  --port N   port of the portal; any free one by default
  --host H   address that the portal listens on; 127.0.0.1 by default
  --help     this text`;

/** The demo is in a hurry, and its key lives as long as it does. */
const demoKeyBits = 2048;

const issuer = "sample-portal";

/** A running demo. */
interface Demo {
  /** The portal's first. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** Where the portal listens. */
interface DemoOptions {
  readonly port?: number;
  readonly host?: string;
}

async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, { port: { type: "string" }, host: { type: "string" } });
  const port = parsePort("--port", typeof flags["port"] === "string" ? flags["port"] : undefined);
  const { host } = flags;
  if (refusedInProduction("demo")) return 1;
  try {
    const demo = await startDemo({
      ...(port === undefined ? {} : { port }),
      ...(typeof host === "string" ? { host } : {}),
    });
    for (const url of demo.urls) say(url);
    say("ready");
    await untilInterrupted();
    await demo.close();
    return 0;
  } catch (error) {
    return reportFailure(error);
  }
}

async function startDemo(options: DemoOptions): Promise<Demo> {
  const { keyId, privateKey, certificate } = await createKeyPair("RS256", demoKeyBits);
  const tenant = await createTenantEmulator({
    identityProviders: [{ issuer, keyId, pem: certificate }],
    control: { port: 0 },
  });
  try {
    const portal = await startPortal(tenant, { issuer, keyId, privateKey }, options);
    return {
      urls: [portal.url, tenant.origin, String(tenant.controlUrl)],
      async close() {
        await portal.close();
        await tenant.close();
      },
    };
  } catch (error) {
    await tenant.close();
    throw error;
  }
}

/** Starts the portal, and lets its pages try to reach the tenant directly. */
async function startPortal(
  tenant: TenantEmulator,
  signingKey: { readonly issuer: string; readonly keyId: string; readonly privateKey: string },
  options: DemoOptions,
): Promise<Awaited<ReturnType<typeof createPortal>>> {
  // As long as the tenant's own ids. facts §4
  const webIntegrationId = randomBytes(16).toString("hex");
  const hostname = toHostname(options.host);
  const portal = await createPortal({
    ...options,
    ...(hostname === undefined ? {} : { hostname }),
    tenant: {
      origin: tenant.origin,
      ca: tenant.certificate ?? "",
      signingKey,
      webIntegrationId,
      control: {
        expire: async (subject) => {
          tenant.sessions.expire(subject);
        },
      },
    },
  });
  tenant.addWebIntegration({ id: webIntegrationId, validOrigins: [new URL(portal.url).origin] });
  return portal;
}

/** Addresses that only this machine can name; browsers here reach the portal under its own name. */
const localAddresses: readonly string[] = ["127.0.0.1", "::1", "0.0.0.0", "::", "localhost"];

/** The host name in the portal's URL, where the address is one that other machines can use. */
function toHostname(host: string | undefined): string | undefined {
  if (host === undefined || localAddresses.includes(host)) return undefined;
  return host.includes(":") ? `[${host}]` : host;
}

/** Starts local tenant, portal and proxy. */
export const demo: Verb = { help, run };
