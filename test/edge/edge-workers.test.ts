/* The edge listener of a server of several processes: each of them answers on the one socket. product B2 */
import { stat } from "node:fs/promises";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { servedHost, startServedProxy } from "../support/served-proxy.ts";
import { cleanedUp } from "../support/started.ts";
import { askEdge, edgeToken, question } from "./edge-stack.ts";

const started = cleanedUp();

test(
  "every worker answers on it, and believes no more of the headers than one alone",
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "qsp-edge-"));
    started.keep({ close: () => rmSync(folder, { recursive: true, force: true }) });
    const socket = join(folder, "edge.sock");
    writeFileSync(join(folder, "token"), edgeToken);
    const tenant = started.keep(await startNamedTenant());
    const served = started.keep(
      await startServedProxy({
        tenantOrigin: tenant.origin,
        more: `workers: 2\nedge: { listen: "unix:${socket}", tokenFile: ${join(folder, "token")} }`,
      }),
    );
    const first = await served.command.line((text) => text.includes('"server.started"'));
    expect(JSON.parse(first)).toMatchObject({ edgeUrl: `unix:${socket}` });
    expect(((await stat(socket)).mode & 0o777).toString(8)).toBe("660");
    // Identity headers do not count over the socket here; what needs no identity does.
    const page = ["Host", servedHost, "Sec-Fetch-Site", "same-origin"];
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        askEdge({ socketPath: socket }, { headers: question("GET", "/qlik/resources/x.js", page) }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const nobody = await askEdge(
      { socketPath: socket },
      { headers: question("GET", "/qlik/api/v1/users/me", [...page, "X-User-Sub", "ann"]) },
    );
    expect(nobody.status).toBe(401);
  },
);
