import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort, startProgram } from "../process/start.ts";
import { balancerCookies, credential, csrfToken, loginCookies } from "../site.ts";
import type { Tenant } from "./tenant.ts";

/** Starts the tenant of uploads and sockets. */
export async function startLiveTenant(root: string, place: string): Promise<Tenant> {
  const folder = join(place, "live-tenant");
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const running = await startProgram(
    {
      command: process.execPath,
      args: [join(root, "bench/tenant/live-tenant.mjs")],
      env: {
        BENCH_PORT: String(port),
        BENCH_CREDENTIAL: credential,
        BENCH_LOGIN_COOKIES: JSON.stringify(loginCookies),
        BENCH_BALANCER_COOKIES: JSON.stringify(balancerCookies),
        BENCH_TOKEN: csrfToken,
      },
    },
    { port, logFile: join(folder, "log") },
  );
  return { origin: `http://127.0.0.1:${port}`, port, stop: () => running.stop() };
}
