/* Whom a client believes to be the tenant, and how it comes back to it; attacks U4. */
import { createServer, type AddressInfo } from "node:net";
import * as tls from "node:tls";
import { generate } from "selfsigned";
import { beforeAll, describe, expect, test } from "vitest";
import type { Upstream } from "../../src/upstream/upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { clients, dispatch, outcomeOf, wayTo } from "./clients.ts";

const started = cleanedUp();
const hostname = "tenant.localhost";
const day = 24 * 3600 * 1000;

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

async function certify(name: string, lifetime = day): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() - 2 * day),
    notAfterDate: new Date(Date.now() + lifetime),
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: name }] }],
  });
  return { cert, key };
}

let right: Certificate;
beforeAll(async () => {
  right = await certify(hostname);
});

/** A tenant with TLS that answers everything, and what it has seen of its visitors. */
async function startTenant(certificate: Certificate, options: tls.TlsOptions = {}) {
  const visits: { resumed: boolean; name: string | false; protocol: string | false | null }[] = [];
  let bytes = 0;
  const sockets = new Set<{ destroy(): void }>();
  const server = tls.createServer(
    { ...certificate, ALPNProtocols: ["h2", "http/1.1"], ...options },
    (socket) => {
      visits.push({
        resumed: socket.isSessionReused(),
        name: (socket as { servername?: string | false }).servername ?? false,
        protocol: socket.alpnProtocol,
      });
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    },
  );
  server.on("tlsClientError", () => {});
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  started.keep({
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return { port: (server.address() as AddressInfo).port, visits, bytes: () => bytes };
}

describe.each(clients)("%s", (client) => {
  const way = (port: number, ca: string | undefined, host = hostname): Upstream =>
    started.keep(wayTo(client, `https://${host}:${port}`, { ca, idle: 20 }));

  test("a tenant that can be trusted is asked by its name, in HTTP/1.1", async () => {
    const { port, visits } = await startTenant(right);
    expect(outcomeOf(await dispatch(way(port, right.cert)).over)).toBe("200 ok");
    expect(visits).toEqual([{ resumed: false, name: hostname, protocol: "http/1.1" }]);
  });

  describe.each(["TLSv1.2", "TLSv1.3"] as const)("in %s", (version) => {
    test.each<[string, () => Promise<Certificate>, boolean]>([
      ["that nobody vouches for", () => Promise.resolve(right), false],
      ["for another name", () => certify("other.localhost"), true],
      ["that is over", () => certify(hostname, -day), true],
    ])(
      "a certificate %s is refused before a byte is sent, however often",
      async (_which, make, isTrusted) => {
        const certificate = await make();
        const { port, bytes } = await startTenant(certificate, { minVersion: version, maxVersion: version });
        const own = way(port, isTrusted ? certificate.cert : undefined);
        // Whoever takes up a session is not asked for its name: one that was refused must not be kept.
        for (let round = 0; round < 4; round += 1) {
          const heard = await dispatch(own).over;
          expect([outcomeOf(heard), heard.error?.message]).toEqual([
            "QSP-UPSTREAM",
            expect.stringMatching(/CERT|SELF_SIGNED|ALTNAME/),
          ]);
        }
        expect(bytes()).toBe(0);
      },
    );
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("a session of %s is taken up again", async (version) => {
    const { port, visits } = await startTenant(right, { minVersion: version, maxVersion: version });
    const own = way(port, right.cert);
    for (let round = 0; round < 3; round += 1) {
      expect(outcomeOf(await dispatch(own).over)).toBe("200 ok");
      await expect.poll(() => visits.length).toBe(round + 1);
      // The connection is closed for want of use, and the next is a new one.
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(visits.map(({ resumed }) => resumed)).toEqual([false, true, true]);
  });

  test.each([
    ["mute", "QSP-TIMEOUT"],
    ["reset", "QSP-UPSTREAM"],
    ["drop", "QSP-UPSTREAM"],
    ["alert", "QSP-UPSTREAM"],
    ["plain", "QSP-UPSTREAM"],
  ] as const)("a tenant whose TLS is %s is given up", async (mode, outcome) => {
    const upstream = started.keep(await startRawUpstream());
    const front = started.keep(await startTlsFront(upstream.origin));
    front.mode = mode;
    const timeouts = { connect: 500, headers: 5000, bodyIdle: 5000 };
    const own = started.keep(wayTo(client, front.origin, { ca: front.certificate, timeouts }));
    expect(outcomeOf(await dispatch(own).over)).toBe(outcome);
    front.mode = "pass";
    expect(outcomeOf(await dispatch(own).over)).toBe("200 ok");
  });
});

/** undici goes on connecting for as long as that may take. */
test("own: a request that is given up while its connection is made ends that too", async () => {
  const silent = createServer((socket) => void socket.on("error", () => {}).resume());
  const open = new Set<{ destroy(): void }>();
  silent.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  started.keep({ close: () => new Promise((resolve) => silent.close(resolve)) });
  const { port } = silent.address() as AddressInfo;
  const own = started.keep(wayTo("own", `https://${hostname}:${port}`, { ca: right.cert }));
  const heard = dispatch(own);
  await expect.poll(() => open.size).toBe(1);
  heard.abort();
  expect(outcomeOf(await heard.over)).toBe("QSP-UPSTREAM");
  await expect.poll(() => open.size).toBe(0);
});
