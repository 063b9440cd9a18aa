import { writeFile } from "node:fs/promises";
import { createTenantEmulator } from "../emulator/create-tenant-emulator.ts";
import type { TenantEmulatorOptions } from "../emulator/options.ts";
import { optionsForOne } from "../options/several-tenants.ts";
import { loadServerConfig } from "../server/config/load.ts";
import { toLocalTenant } from "./local-tenant.ts";
import { parseFlags, parsePort } from "./parse-arguments.ts";
import { refusedInProduction, reportFailure, reportWarnings } from "./report-problems.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { say, type Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy emulate [-c FILE] [--port N]

Runs the local tenant alone. Prints its origin, the address of its control endpoint, then "ready".
With -c, it is the tenant that this configuration of the proxy expects: kind, host name, port, lifetimes and signing
keys or OAuth client are taken from the file, so that "serve -c FILE" can sign users in to it.

  -c, --config FILE       a configuration of the proxy
  --tenant NAME           of several tenants in it; the first by default
  --port N                any free port by default
  --host H                address to listen on; 127.0.0.1 by default
  --plain-http            HTTP instead of HTTPS
  --control-port N        any free port by default
  --certificate-out FILE  writes the tenant's certificate, for the key tenant.caFile
  --help                  this text`;

async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, {
    config: { type: "string", short: "c" },
    port: { type: "string" },
    host: { type: "string" },
    "plain-http": { type: "boolean" },
    tenant: { type: "string" },
    "control-port": { type: "string" },
    "certificate-out": { type: "string" },
  });
  const text = (name: string): string | undefined =>
    typeof flags[name] === "string" ? flags[name] : undefined;
  const port = parsePort("--port", text("port"));
  const controlPort = parsePort("--control-port", text("control-port")) ?? 0;
  if (refusedInProduction("emulate")) return 1;
  try {
    const host = text("host");
    const tenant = await createTenantEmulator({
      ...readTenant(text("config"), text("tenant")),
      ...(port === undefined ? {} : { port }),
      ...(host === undefined ? {} : { host }),
      ...(flags["plain-http"] === true ? { plainHttp: true } : {}),
      control: { port: controlPort },
    });
    const out = text("certificate-out");
    if (out !== undefined && tenant.certificate !== undefined) await writeFile(out, tenant.certificate);
    say(tenant.origin);
    say(String(tenant.controlUrl));
    say("ready");
    await untilInterrupted();
    await tenant.close();
    return 0;
  } catch (error) {
    return reportFailure(error);
  }
}

function readTenant(file: string | undefined, name: string | undefined): TenantEmulatorOptions {
  if (file === undefined) return {};
  const { config, warnings } = loadServerConfig({ file, environment: process.env });
  reportWarnings(warnings);
  return toLocalTenant({ ...config, options: optionsForOne(config.options, name) });
}

/** Runs the local tenant alone. */
export const emulate: Verb = { help, run };
