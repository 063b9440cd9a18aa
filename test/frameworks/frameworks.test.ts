import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { describe, expect, test } from "vitest";
import { optionsFor, startTestTenant } from "../support/stack.ts";
import { nextEvent } from "../support/vendor-enigma.ts";
import { type Host, hosts } from "./hosts.ts";
import { Page } from "./page.ts";

/** One host through everything that the table promises. */
async function visit(host: Host): Promise<void> {
  const pair = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  const tenant = await startTestTenant();
  const server = host.listen({ cert: pair.cert, key: pair.private });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `${host.scheme}://portal.localhost:${(server.address() as AddressInfo).port}`;
  const policy = { presets: ["embed", "embed-write"] };
  const mounted = await host.mount(
    server,
    optionsFor(tenant, origin, { policy, timeouts: { drain: 200, drainDelay: 0 } }),
  );
  const page = new Page(origin, { speaks: host.speaks, ca: pair.cert });
  try {
    // Host session: nobody first, then whoever signed in.
    expect((await page.send("GET", "/qlik/api/v1/users/me")).status).toBe(401);
    expect((await page.send("POST", "/sign-in?as=ann")).text).toBe("in");
    const me = await page.send("GET", "/qlik/api/v1/users/me");
    expect([me.status, me.text.includes("ann")]).toEqual([200, true]);
    expect((await page.send("GET", "/qlik/_session")).status).toBe(200);
    // A rolling session rolls with our answers too. rules R8
    expect(me.cookies.length > 0).toBe(host.session.includes("rolling"));
    // Body parser: the host's own bodies are parsed, ours are not.
    expect((await page.send("POST", "/echo", '{"a":1}')).text).toBe('{"a":1}');
    const report = '{"type":"sense-image-1.0","odd  spacing":1}';
    expect((await page.send("POST", "/qlik/api/v1/reports", report)).status).toBe(202);
    expect(tenant.recordings({ path: "/api/v1/reports" })[0]?.bodyStart.toString()).toBe(report);
    // Socket, by the same session; the log-out ends it.
    const { doc, session } = await page.openApp();
    expect(await doc.getAppLayout()).toMatchObject({ qTitle: expect.any(String) as string });
    const closed = nextEvent(session, "closed");
    expect((await page.send("POST", "/sign-out")).text).toBe("out");
    expect(await closed).toMatchObject({ code: 4203 });
    expect((await page.send("GET", "/qlik/api/v1/users/me")).status).toBe(401);
    // Drain: sockets are sent elsewhere.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await page.send("POST", "/sign-in?as=bob");
    const other = await page.openApp();
    const moved = nextEvent(other.session, "closed");
    await mounted.drain();
    expect(await moved).toMatchObject({ code: 4003 });
    expect(mounted.stats()).toMatchObject({ draining: true, sockets: 0, inFlight: 0 });
  } finally {
    page.close();
    await mounted.end?.();
    await mounted.close();
    (server as { closeAllConnections?: () => void }).closeAllConnections?.();
    server.close();
    await tenant.close();
  }
}

/** Rows of the hosts that did all of it. */
const shown: string[] = [];
const rowOf = ({ name, session }: Host): string => `| ${name} | yes | yes | ${session} | yes | yes | yes |`;

describe("in a host of", () => {
  test.each(hosts.map((host) => [host.name, host] as const))(
    "%s: requests, sockets, host session, body parser, log-out and drain",
    async (_name, host) => {
      await expect(visit(host)).resolves.toBeUndefined();
      shown.push(rowOf(host));
    },
  );

  test("the table in docs/reference/frameworks.md is what was shown", () => {
    console.log(shown.join("\n"));
    const page = readFileSync(new URL("../../docs/reference/frameworks.md", import.meta.url), "utf8");
    const rows = page
      .split("\n")
      .flatMap((line) => (line.startsWith("|") ? [line.replaceAll(/ +/g, " ")] : []));
    expect(rows.slice(2)).toEqual(shown);
  });
});
