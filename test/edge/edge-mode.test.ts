/*
 * Edge mode as shipped: files and downloads go from the edge to the tenant, the rest to the proxy. The vendor's clients pass,
 * and a browser that is up to something gets no credential. rules R10, attacks A1 A3 A4
 */
import { createHash } from "node:crypto";
import { getItems } from "@qlik/api/items";
import { downloadTempFile, uploadTempFile } from "@qlik/api/temp-contents";
import { getMyUser } from "@qlik/api/users";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sampleUsers } from "../../src/emulator.ts";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { connectTo } from "../support/raw-connection.ts";
import type { RawRequest } from "../support/raw-client.ts";
import { openEnigma } from "../support/vendor-enigma.ts";
import { portalConfig } from "../support/vendor-qlik-api.ts";
import { type EdgeDoor, edgeDoors, type EdgeWorld, startEdgeWorld } from "./edge-mode-doors.ts";
import { createVisitor, follow, wentThroughProxy } from "./edge-mode-visitor.ts";
import { edgeToken } from "./edge-stack.ts";

const [alice, bruno] = sampleUsers;

describe.each(edgeDoors)("$name", (door: EdgeDoor) => {
  let world: EdgeWorld;
  beforeAll(async () => {
    world = await startEdgeWorld(door);
    for (const user of [alice, bruno])
      if (user) world.app.users.set(user.name.split(" ")[0] ?? "", { ...user });
  });
  afterAll(() => world.close());

  const { ask, addContent } = createVisitor(() => world);
  const headersOf = (user: string): Record<string, string> => ({
    cookie: `app=${user}`,
    origin: world.origin,
  });
  const as = (user: string) => ({
    hostConfig: portalConfig({ host: `${world.origin}/qlik`, headersOf }, user),
    noCache: true,
  });
  const take = (path: string) => world.stack.tenant.recordings({ path });
  const text = Buffer.from("the quick brown fox jumps over the lazy dog");

  describe("the vendor's clients", () => {
    test("read and write, and download what the edge gets", async () => {
      const { data: me } = await getMyUser(as("Alice"));
      expect(me.subject).toBe(alice?.subject);
      const { data: items, next } = await getItems({ limit: 1 }, as("Alice"));
      expect(items.data?.length).toBe(1);
      expect((await next?.(as("Alice")))?.status).toBe(200);
      const upload = await uploadTempFile({ filename: "a.bin" }, new Blob([text]), as("Alice"));
      expect(upload.status).toBe(201);
      const id = upload.headers.get("location")?.split("/").at(-1) ?? "";
      expect(upload.headers.get("location")).toContain(world.origin);
      let bytes = Buffer.alloc(0);
      const slow = await wentThroughProxy(async () => {
        const { data } = await downloadTempFile(id, {}, as("Alice"));
        bytes = Buffer.from(await (data as unknown as Blob).arrayBuffer());
      });
      expect([slow, bytes.toString()]).toEqual([false, text.toString()]);
    });

    test("open a document and read a sheet's data over a socket", async () => {
      const client = await openEnigma({
        host: `${world.origin}/qlik`,
        path: APP_ID.sales,
        headers: headersOf("Alice"),
      });
      expect(client.states).toEqual(["SESSION_CREATED"]);
      expect((await client.doc.getAppLayout()).qTitle).not.toBe("");
      await client.session.close();
    });
  });

  describe("a download", () => {
    test("goes to the tenant with the session's cookie, and with nothing of the browser's but what a read needs", async () => {
      const path = addContent(text);
      const slow = await wentThroughProxy(async () => {
        const answer = await ask(path, "Alice", {
          headers: {
            authorization: "Bearer of-the-app",
            origin: world.origin,
            referer: `${world.origin}/report`,
            "x-user-sub": "bruno",
            "x-forwarded-for": "203.0.113.7",
            "qlik-csrf-token": "mine",
            "qlik-web-integration-id": "mine",
            "x-http-method-override": "DELETE",
            "x-qsp-edge-token": edgeToken,
            cookie: "app=Alice; eas.sid=mine",
            "accept-language": "de",
          },
        });
        expect([answer.status, answer.text]).toEqual([200, text.toString()]);
      });
      expect(slow).toBe(false);
      const [seen] = take(path.slice("/qlik".length)).slice(-1);
      const names = new Map(seen?.headers.map(([name, value]) => [name.toLowerCase(), value]));
      expect(names.get("cookie")).toMatch(/^(?:.*; )?eas\.sid=/);
      expect(names.get("cookie")).not.toContain("app=");
      expect(names.get("cookie")).not.toContain("eas.sid=mine");
      expect(names.get("accept-language")).toBe("de");
      for (const name of [
        "authorization",
        "origin",
        "referer",
        "x-user-sub",
        "x-forwarded-for",
        "qlik-web-integration-id",
        "x-http-method-override",
        "x-qsp-edge-token",
      ])
        expect([name, names.get(name)]).toEqual([name, undefined]);
      expect(names.get("qlik-csrf-token") ?? "").toBe("");
    });

    test("comes in parts and as a head alone, byte for byte", async () => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));
      const path = addContent(bytes);
      const whole = await ask(path);
      expect(createHash("sha256").update(whole.body).digest("hex")).toBe(
        createHash("sha256").update(bytes).digest("hex"),
      );
      const part = await ask(path, "Alice", { headers: { range: "bytes=1000-1999" } });
      expect([
        part.status,
        part.header("content-range"),
        part.body.equals(bytes.subarray(1000, 2000)),
      ]).toEqual([206, "bytes 1000-1999/300000", true]);
      const head = await ask(path, "Alice", { method: "HEAD" });
      expect([head.status, head.body.length, head.header("content-length")]).toEqual([200, 0, "300000"]);
    });

    test("keeps the tenant's headers that would act on your origin from the browser, and has ours in their place", async () => {
      const path = addContent(text).slice("/qlik".length);
      const hostile = [
        "Set-Cookie",
        "Strict-Transport-Security",
        "Public-Key-Pins",
        "Clear-Site-Data",
        "Service-Worker-Allowed",
        "NEL",
        "Report-To",
        "Reporting-Endpoints",
        "Alt-Svc",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "X-Frame-Options",
        "Refresh",
        "WWW-Authenticate",
        "X-Powered-By",
        "SourceMap",
        "Speculation-Rules",
        "Link",
        "X-Accel-Redirect",
        "X-Sendfile",
        "Qlik-Csrf-Token",
        "Permissions-Policy",
        "Cross-Origin-Opener-Policy",
        "Server-Timing",
      ];
      const headers = [
        ...hostile.map(
          (name) => [name, name === "X-Accel-Redirect" ? "/_qsp_verdict" : "hostile=1"] as const,
        ),
        ["Content-Type", "text/html"] as const,
        ["Content-Disposition", 'inline; filename="a.html"'] as const,
        ["Cache-Control", "public, max-age=3600"] as const,
        ["Content-Security-Policy", "default-src *"] as const,
      ];
      world.stack.tenant.enqueue({ path, status: 200, headers, body: "<script>alert(1)</script>" });
      const answer = await ask(`/qlik${path}`);
      expect(answer.text).toBe("<script>alert(1)</script>");
      for (const name of hostile) expect([name, answer.header(name)]).toEqual([name, undefined]);
      expect(answer.header("content-security-policy")).toMatch(/^sandbox; default-src 'none'/);
      expect(answer.header("content-disposition")).toMatch(/^attachment/);
      expect(answer.header("cache-control")).toBe("private, no-cache");
      expect(answer.header("vary")).toContain("Cookie");
      expect(answer.header("x-content-type-options")).toBe("nosniff");
      expect(answer.header("cross-origin-resource-policy")).toBe("same-origin");
      expect(JSON.stringify(answer.rawHeaders)).not.toMatch(/x-qsp|eas\.sid/i);
    });

    test("that must not be stored is not, and a file with a fingerprint in its name is kept", async () => {
      const path = addContent(text).slice("/qlik".length);
      const cases = [
        [path, "no-store, max-age=0", "private, no-store"],
        [path, undefined, "private, no-cache"],
        ["/resources/main.0123456789abcdef.js", "public, max-age=600", "public, max-age=600"],
        ["/resources/main.js", "public, max-age=600", "no-cache"],
      ] as const;
      for (const [address, sent, seen] of cases) {
        const headers = [["Content-Type", "text/plain"], ...(sent ? [["Cache-Control", sent]] : [])] as never;
        world.stack.tenant.enqueue({ path: address, status: 200, headers, body: "x" });
        const answer = await ask(`/qlik${address}`);
        expect([address, answer.header("cache-control")]).toEqual([address, seen]);
      }
    });

    test("with a name that says what it is keeps that name", async () => {
      const answer = await ask(addContent(text, "figures.csv"));
      expect(answer.header("content-disposition")).toContain('filename="figures.csv"');
    });

    test.each([401, 403, 302])(
      "that the tenant answers %i is answered by the proxy, with a session renewed",
      async (status) => {
        const path = addContent(text);
        const headers = status === 302 ? ([["Location", "/login?returnto=x"]] as const) : [];
        expect((await ask(path)).status).toBe(200);
        world.stack.tenant.enqueue({ path: path.slice("/qlik".length), status, headers, body: "" });
        const answer = await follow(await ask(path), () => ask(path));
        expect([answer.status, answer.text]).toEqual([200, text.toString()]);
      },
    );

    test("after the tenant has forgotten every session works all the same", async () => {
      const path = addContent(text);
      expect((await ask(path)).status).toBe(200);
      world.stack.tenant.sessions.kill();
      const answer = await follow(await ask(path), () => ask(path));
      expect([answer.status, answer.text]).toEqual([200, text.toString()]);
    });

    test("of one user does not come from what another one asked", async () => {
      const path = addContent(text).slice("/qlik".length);
      await Promise.all(
        Array.from({ length: 24 }, async (_, index) => {
          const user = index % 2 === 0 ? "Alice" : "Bruno";
          expect((await ask(`/qlik${path}?as=${user}&n=${index}`, user)).status).toBe(200);
        }),
      );
      const seen = new Set(
        take(path)
          .filter(({ url }) => url.includes("as="))
          .map(({ subject, url }) => `${/as=(\w+)/.exec(url)?.[1]}: ${subject}`),
      );
      expect(seen).toEqual(new Set([`Alice: ${alice?.subject}`, `Bruno: ${bruno?.subject}`]));
    });

    test("with an escaped slash or space in its address travels as it was judged", async () => {
      for (const rest of ["a%20b%2Fc.js", "x.js?v=1%2F2&y=a+b", "%C3%A9.js"]) {
        const wanted = `/resources/${rest}`;
        const slow = await wentThroughProxy(() => ask(`/qlik${wanted}`));
        expect([slow, world.stack.tenant.recordings().at(-1)?.url]).toEqual([!door.keepsEscapes, wanted]);
      }
    });

    test("does not carry parameters of the proxy's own", async () => {
      const path = addContent(text).slice("/qlik".length);
      await ask(`/qlik${path}?a=1&qlik-csrf-token=mine&accessToken=mine`);
      expect(take(path).at(-1)?.url).toBe(`${path}?a=1`);
    });
  });

  describe("a browser that is up to something", () => {
    /** Everything that an answer shows, with the secrets that it must not. */
    const hasNoCredential = (answer: {
      readonly rawHeaders: readonly string[];
      readonly text: string;
    }): void => {
      const all = `${answer.rawHeaders.join("\n")}\n${answer.text}`;
      expect(all).not.toMatch(/eas\.sid|_csrfToken|x-qsp-(?:cookie|csrf|upstream)|^qlik-csrf-token/im);
      expect(all).not.toContain(edgeToken);
    };

    test("does not reach the question by any address", async () => {
      const targets = [
        "/_qsp_verdict",
        "/authz/auth-request",
        "/authz/forward-auth",
        "/authz/ext-authz/qlik/api/v1/users/me",
      ];
      const spellings = (path: string): readonly string[] => [
        path,
        `//${path.slice(1)}`,
        `/qlik${path}`,
        `/qlik/..${path}`,
        `/qlik/%2e%2e${path}`,
        `/qlik/resources/..${path}`,
        `/qlik/resources/..%2f..${path}`,
        `${path}/`,
        `${path}%00`,
        `${path};x`,
        path.toUpperCase(),
      ];
      const knock = async (method: string, spelling: string): Promise<string> => {
        const connection = await connectTo(world.origin);
        const head = [
          `${method} ${spelling} HTTP/1.1`,
          `Host: ${new URL(world.origin).host}`,
          "Cookie: app=Alice",
          "Sec-Fetch-Site: same-origin",
          `X-QSP-Edge-Token: ${edgeToken}`,
          "X-Original-Method: GET",
          "X-Original-URI: /qlik/api/v1/users/me",
          "X-Forwarded-Method: GET",
          "X-Forwarded-Uri: /qlik/api/v1/users/me",
          "Content-Length: 0",
          "Connection: close",
        ];
        connection.write(`${head.join("\r\n")}\r\n\r\n`);
        await connection.closed;
        return connection.received;
      };
      for (const target of targets) {
        const knocks = spellings(target).flatMap((each) => [knock("GET", each), knock("POST", each)]);
        for (const text of await Promise.all(knocks)) hasNoCredential({ rawHeaders: [], text });
      }
    });

    test("is judged by the address that it sent, whatever it says beside it", async () => {
      const lies = {
        "x-original-uri": "/qlik/resources/x.js",
        "x-original-method": "GET",
        "x-forwarded-uri": "/qlik/resources/x.js",
        "x-forwarded-method": "GET",
        "x-forwarded-host": "evil.example",
        "x-original-url": "/qlik/resources/x.js",
        "x-rewrite-url": "/qlik/resources/x.js",
        "x-qsp-edge-token": "guessed",
        "x-qsp-upstream-uri": "/api/v1/api-keys",
        "x-qsp-cookie": "eas.sid=mine",
      };
      const path = addContent(text);
      const stranger = await ask(path, null, { headers: lies });
      expect(stranger.status).toBe(401);
      hasNoCredential(stranger);
      const denied = await ask("/qlik/api/v1/api-keys", "Alice", { headers: lies });
      expect(denied.status).toBe(404);
      const before = world.stack.tenant.recordings().length;
      const allowed = await ask(path, "Alice", { headers: lies });
      expect([allowed.status, allowed.text]).toEqual([200, text.toString()]);
      expect(
        world.stack.tenant
          .recordings()
          .slice(before)
          .map(({ url }) => url),
      ).not.toContain("/api/v1/api-keys");
    });

    test("gets the proxy's own word where it is nobody, on another site, or asks for too much", async () => {
      const path = addContent(text);
      const cases: readonly (readonly [string, string | null, Partial<RawRequest>, number])[] = [
        [path, null, {}, 401],
        [path, "Nobody", {}, 401],
        [path, "Alice", { headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" } }, 403],
        [path, "Alice", { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" } }, 403],
        [`${path}/../../api-keys`, "Alice", {}, 400],
        ["/qlik/resources/%2e%2e/api/v1/api-keys", "Alice", {}, 400],
        [path, "Alice", { headers: { "service-worker": "script" } }, 403],
      ];
      for (const [target, user, request, status] of cases) {
        const connection = await connectTo(world.origin);
        const headers = { "sec-fetch-site": "same-origin", ...request.headers };
        const lines = [
          `GET ${target} HTTP/1.1`,
          `Host: ${new URL(world.origin).host}`,
          ...(user === null ? [] : [`Cookie: app=${user}`]),
          ...Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`),
          "Connection: close",
        ];
        connection.write(`${lines.join("\r\n")}\r\n\r\n`);
        await connection.closed;
        expect([target, request, connection.received.split(" ")[1]]).toEqual([
          target,
          request,
          String(status),
        ]);
        hasNoCredential({ rawHeaders: [], text: connection.received });
      }
    });

    test("meets the proxy itself at what is its own", async () => {
      const status = await ask("/qlik/_session");
      expect(status.json()).toMatchObject({ authenticated: true });
      const info = await ask("/qlik/resources/autogenerated/product-info.json", null);
      expect([200, 404]).toContain(info.status);
      const login = await ask("/qlik/login?returnto=%2F", null, {
        headers: { "sec-fetch-mode": "navigate" },
      });
      expect(login.status).toBe(401);
      const preflight = await ask("/qlik/resources/x.js", "Alice", {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "GET" },
      });
      expect([preflight.status, preflight.header("access-control-allow-origin")]).toEqual([403, undefined]);
    });
  });

  test("who has logged out gets nothing any more", async () => {
    const path = addContent(text);
    world.app.users.set("Carla", { subject: "carla", email: "carla@example.test", sessionId: "c1" });
    expect((await ask(path, "Carla")).status).toBe(200);
    const out = await ask("/qlik/_session", "Carla", { method: "DELETE", headers: { origin: world.origin } });
    expect(out.status).toBe(204);
    expect((await ask(path, "Carla")).status).toBe(401);
  });
});
