import { once } from "node:events";
import { createServer, request, type RequestOptions } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../kernel/clock.ts";
import { firstHeader } from "../../http/raw-headers.ts";
import { resolveOptions } from "../../options/session-proxy-options.ts";
import { assembleSessionProxy } from "../../proxy/create-session-proxy.ts";
import { failed, type Finding, passed, type Step } from "./step.ts";
import type { Visit } from "./visit.ts";

/** What a browser was given. */
interface BrowserAnswer {
  readonly status: number;
  readonly headers: readonly string[];
}

/**
 * Asks for data as a page of publicOrigin would, of a proxy with this configuration that runs for this step alone, with
 * sessions of its own. What no answer may hold: rules R7, facts §4.
 */
async function headers(visit: Visit): Promise<Finding> {
  const { options } = visit.get("config");
  const person = visit.get("person");
  const resolved = resolveOptions({ ...options, store: "memory", replicas: 1, identify: () => person });
  const proxy = assembleSessionProxy(resolved, systemClock);
  const server = createServer((incoming, response) => proxy(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const origin = new URL(resolved.publicOrigin ?? "");
    const base = { host: "127.0.0.1", port, agent: false };
    const own = { host: origin.host, "sec-fetch-site": "same-origin", origin: origin.origin };
    const answer = await ask({ ...base, path: `${resolved.prefix}/api/v1/users/me`, headers: own });
    const ended = { ...base, method: "DELETE", path: `${resolved.prefix}/_session`, headers: own };
    await ask(ended);
    return judge(answer);
  } finally {
    await proxy.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function ask(options: RequestOptions): Promise<BrowserAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      response
        .resume()
        .on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.rawHeaders }));
      response.on("error", reject);
    });
    outgoing.on("error", reject).end();
  });
}

/** Headers of the tenant that have no place at our origin. facts §4 */
const forbidden = ["set-cookie", "strict-transport-security", "x-frame-options", "alt-svc"];

function judge({ status, headers: given }: BrowserAnswer): Finding {
  const found = `a page of publicOrigin gets ${status} for /api/v1/users/me`;
  if (status !== 200) return failed("rest-refused", found);
  const stray = forbidden.find((name) => firstHeader(given, name) !== undefined);
  if (stray !== undefined) return failed("unsafe-answer", `${found}, with ${stray}`);
  const caching = firstHeader(given, "cache-control") ?? "";
  if (!/private|no-store/.test(caching)) return failed("unsafe-answer", `${found}, without private caching`);
  return passed(`${found}: no cookie of the tenant, Cache-Control ${caching}`);
}

/** The way of a page. */
export const browserStep: Step = { name: "headers", needs: ["rest"], run: headers };
