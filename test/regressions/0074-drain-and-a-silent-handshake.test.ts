/*
 * A server that was told to stop went on past its deadline while the tenant did not answer a handshake: the browser's socket
 * is none of the listener's any more, so that nothing ended it, and the way to the tenant closed without its handshakes. The
 * supervisor killed the process before their time-out came.
 */
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { createStandaloneServer } from "../../src/server.ts";
import { eventually } from "../support/assertions.ts";
import { sendBytes } from "../support/raw-client.ts";
import { handshake } from "../support/raw-handshake.ts";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { clients } from "../upstream/clients.ts";

const started = cleanedUp();
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const publicOrigin = "http://portal.localhost";

test.each(clients)("a drain waits for no handshake past its deadline: %s", async (client) => {
  const tenant = started.keep(await startRawUpstream(() => {}));
  const times = { drainDelay: 0, drain: 100 };
  const server = started.keep(
    await createStandaloneServer({
      listen: { host: "127.0.0.1", port: 0 },
      options: {
        tenant: {
          origin: tenant.origin,
          signingKeys: [{ issuer: "acme-portal", keyId: "2026-01", privateKey }],
        },
        identify: () => ({ subject: "ann", name: "Ann", email: "ann@acme.test", groups: [] }),
        publicOrigin,
        timeouts: times,
        upstream: { client },
        unsafe: { plainHttpTenant: true, plainHttpPublic: true },
      },
      drain: { delay: times.drainDelay, deadline: times.drain },
    }),
  );
  const answer = sendBytes(server.url, handshake(publicOrigin), () => false, 60_000);
  await eventually(() =>
    expect(tenant.seen.map(({ path }) => path)).toContainEqual(expect.stringContaining("/app/")),
  );
  await server.drain();
  expect((await answer).text).toMatch(/^HTTP\/1\.1 502 [^]*QSP-UPSTREAM/);
  await eventually(() => expect(tenant.sockets.size).toBe(0));
});
