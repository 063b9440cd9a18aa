import { createServer, type AddressInfo, type Server } from "node:net";
import { describe, expect, test } from "vitest";
import { createSessionProxy, type SessionProxyOptions } from "../../src/index.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { testIdentity, testKey } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { stackOf, tenantKind } from "../support/tenant-kind.ts";
import { answerBoth, doors, everything, forwarded, knockAt, openPath, through } from "./doors.ts";

const started = cleanedUp();

/** A server that nobody should come to; it takes connections and says nothing. */
interface Bystander {
  readonly host: string;
  readonly port: number;
  readonly visits: () => number;
}

async function startBystander(): Promise<Bystander> {
  let visits = 0;
  const open = new Set<{ destroy(): void }>();
  const server: Server = createServer((socket) => {
    visits += 1;
    open.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  started.keep({
    close: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  const { port } = server.address() as AddressInfo;
  return { host: `evil.localhost:${port}`, port, visits: () => visits };
}

// attacks U1
describe("the tenant", () => {
  test.each(doors)(
    "of an incoming %s is named by nothing in it, nor by what the host says of its user",
    async (door) => {
      const other = await startBystander();
      const origin = `http://${other.host}`;
      const extras = { tenant: origin, tenantOrigin: origin, origin, host: other.host, iss: origin };
      const identify: SessionProxyOptions["identify"] = (request) => {
        const user = testIdentity(request.headers["x-test-user"]);
        return user && { ...user, ...extras };
      };
      const { stack, upstream } = await started.raw(answerBoth, { proxy: { policy: everything, identify } });
      const headers = [`X-Forwarded-Host: ${other.host}`, `X-Tenant: ${origin}`, `X-Host: ${other.host}`];
      const named = `/qlik${openPath(door)}?tenant=${origin}&host=${other.host}`;
      expect((await knockAt(stack, door, named, { headers })).status).toBe(through(door));
      expect(forwarded(upstream.seen).map((request) => request.header("host"))).toEqual([
        new URL(upstream.origin).host,
      ]);
      const login = upstream.seen.find((request) => wire.login(request) !== null);
      const [, payload = ""] = login?.header("authorization")?.split(".") ?? [];
      const told = Buffer.from(payload, "base64url").toString() + (login?.body ?? "");
      expect([told.includes("ann"), told.includes("evil")]).toEqual([true, false]);
      const before = upstream.seen.length;
      for (const target of [
        `${origin}/qlik/app/a`,
        `//${other.host}/qlik/app/a`,
        `@${other.host}/a`,
        other.host,
      ]) {
        expect([target, (await knockAt(stack, door, target)).status]).toEqual([target, 400]);
      }
      expect([upstream.seen.length - before, other.visits()]).toEqual([0, 0]);
    },
  );

  test.each([
    "https://acme.eu.qlikcloud.com@evil.example",
    "https://user:password@acme.eu.qlikcloud.com",
    "https://acme.eu.qlikcloud.com/sense",
    "https://acme.eu.qlikcloud.com/",
    "https://acme.eu.qlikcloud.com?x",
    "https://acme.eu.qlikcloud.com#x",
    "https://acme.eu.qlikcloud.com:443",
    "https://acme.eu.qlikcloud.com:0x1bb",
    "https://acme.eu.qlikcloud.com.",
    "https://169.254.169.254",
    "https://2852039166",
    "https://0xa9fea9fe",
    "https://[fd00:ec2::254]",
    "https://[::ffff:169.254.169.254]",
    "https://acme.eu.qlikcloud.com\\@evil.example",
    "https://acme.eu.qlikcloud.com\r\nHost: evil.example",
    "https://*.qlikcloud.com",
    "//acme.eu.qlikcloud.com",
    "acme.eu.qlikcloud.com",
    "http://acme.eu.qlikcloud.com",
    "ftp://acme.eu.qlikcloud.com",
    "file:///etc/passwd",
    "unix:/run/tenant.sock",
    "javascript:alert(1)",
  ])("is not %j: nothing is started", (origin) => {
    const tenant: unknown = stackOf(tenantKind, [testKey]).proxy(origin);
    expect(() => createSessionProxy({ tenant, identify: () => null } as SessionProxyOptions)).toThrow(
      /^.*tenant\.origin: /s,
    );
  });
});

// attacks U2
describe("a redirect of the tenant", () => {
  const statuses = [301, 302, 303, 307, 308];

  test.each(statuses)("%i to another host is the browser's to follow", async (status) => {
    const other = await startBystander();
    const location = `http://${other.host}/a?b=c`;
    const { stack, upstream } = await started.raw((_request, socket) => {
      socket.write(`HTTP/1.1 ${status} Go\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
    });
    for (const method of ["GET", "POST"]) {
      const answer = await stack.get("/api/v1/echo/a", { method });
      expect([answer.status, answer.header("location")]).toEqual([status, location]);
    }
    expect(forwarded(upstream.seen).map(({ method }) => method)).toEqual(["GET", "POST"]);
    expect(other.visits()).toBe(0);
  });

  test.each(statuses)("%i to itself leads through us, and is not followed here", async (status) => {
    let address = "";
    const { stack, upstream } = await started.raw((_request, socket) => {
      socket.write(`HTTP/1.1 ${status} Go\r\nLocation: ${address}/api/v1/b?c\r\nContent-Length: 0\r\n\r\n`);
    });
    address = upstream.address;
    const answer = await stack.get("/api/v1/echo/a");
    expect([answer.status, answer.header("location")]).toEqual([status, `${stack.origin}/qlik/api/v1/b?c`]);
    expect(forwarded(upstream.seen)).toHaveLength(1);
  });

  test("in answer to an upgrade, a login or a call of our own is followed by nobody", async () => {
    const other = await startBystander();
    const go = `HTTP/1.1 302 Go\r\nLocation: http://${other.host}/a\r\nContent-Length: 0\r\n\r\n`;
    const { stack, upstream } = await started.raw((_request, socket) => void socket.write(go));
    const socket = await knockAt(stack, "upgrade", "/qlik/app/a");
    expect([socket.status, socket.head]).toEqual([302, expect.not.stringMatching(/location|evil/i)]);
    upstream.login((connection) => void connection.write(go));
    const login = await stack.get("/api/v1/echo/a", { user: "bob" });
    expect([login.status, login.text]).toEqual([502, expect.stringContaining("QSP-TENANT-REFUSED")]);
    const info = await stack.get("/resources/autogenerated/product-info.json", { user: null });
    expect(info.status).toBe(404);
    expect(other.visits()).toBe(0);
  });
});

// attacks U4
describe("a tenant that cannot be reached by its name", () => {
  test.each(doors)("costs an incoming %s the time to connect, and nobody else is asked", async (door) => {
    const mute = await startBystander();
    const other = await startBystander();
    const stack = await started.stack({
      tenantOrigin: `https://tenant.localhost:${mute.port}`,
      proxy: { timeouts: { connect: 200, login: 5000 } },
    });
    const target = `/qlik${door === "upgrade" ? "/app/a" : "/resources/a.js"}`;
    const answer = await knockAt(stack, door, target);
    expect([answer.status, answer.body]).toEqual([504, expect.stringContaining("QSP-TIMEOUT")]);
    expect([mute.visits() > 0, other.visits()]).toEqual([true, 0]);
  });

  test.each(["http://tenant.invalid:4711", "http://[::1]:1", "http://127.0.0.1:1"])(
    "%s is 502 on both doors",
    async (tenantOrigin) => {
      const stack = await started.stack({ tenantOrigin });
      for (const door of doors) {
        const target = `/qlik${door === "upgrade" ? "/app/a" : "/resources/a.js"}`;
        const answer = await knockAt(stack, door, target);
        expect([answer.status, answer.body]).toEqual([502, expect.stringContaining("QSP-UPSTREAM")]);
      }
    },
  );

  test("under one of two addresses is found under the other", async () => {
    // Where the system knows ::1 for it too, nothing listens there.
    const { stack, upstream } = await started.raw(answerBoth);
    const { port } = new URL(upstream.origin);
    const both = await started.stack({ tenantOrigin: `http://localhost:${port}` });
    for (const door of doors) {
      const target = `/qlik${door === "upgrade" ? "/app/a" : "/api/v1/items"}`;
      expect((await knockAt(both, door, target)).status).toBe(through(door));
    }
    expect(stack.proxy.stats().sessions).toBe(0);
  });
});
