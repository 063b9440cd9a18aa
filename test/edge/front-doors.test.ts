import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { loadServerConfig } from "../../src/server/config/load.ts";
import { createStandaloneServer, type StandaloneServer } from "../../src/server/standalone.ts";
import { type ConfigFolder, createConfigFolder, privateKeyPem } from "../config/config-folder.ts";
import { type RawAnswer, type RawRequest, send } from "../support/raw-client.ts";
import { testSocket } from "../support/stack.ts";
import { type Edge, edges, type Program, startPortal, testNginx } from "./programs.ts";

const host = "portal.example.com";
const origin = `https://${host}`;

let folder: ConfigFolder;
let tenant: TenantEmulator;
let proxy: StandaloneServer;
let portal: Program;

beforeAll(async () => {
  folder = createConfigFolder();
  const pem = createPublicKey(privateKeyPem).export({ type: "spki", format: "pem" }).toString();
  tenant = await createTenantEmulator({
    plainHttp: true,
    identityProviders: [{ issuer: "acme-portal", keyId: "2026-01", pem }],
  });
  const file = folder.write(
    "config.yaml",
    `
listen: 127.0.0.1:0
publicOrigin: ${origin}
trustedProxies: [127.0.0.1]
tenant:
  origin: ${tenant.origin}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
  trustedHeader:
    from: [127.0.0.1]
    subject: X-User-Sub
    name: X-User-Name
    email: X-User-Email
    groups: X-User-Groups
    sessionId: X-User-Session
policy: { presets: [embed, embed-write] }
unsafe: { plainHttpTenant: true }
`,
  );
  proxy = await createStandaloneServer(loadServerConfig({ file, environment: {} }).config);
  portal = await startPortal();
});
afterAll(async () => {
  await portal.close();
  await proxy.close();
  await tenant.close();
  folder.remove();
});

/** A browser at a front door. */
interface Visitor {
  /** Of the portal's cookie; undefined for nobody. */
  readonly headers: Readonly<Record<string, string>>;
  ask(path: string, request?: Partial<RawRequest>): Promise<RawAnswer>;
}

function visitor(port: number, cookie?: string): Visitor {
  const headers = {
    host,
    origin,
    "sec-fetch-site": "same-origin",
    ...(cookie === undefined ? {} : { cookie }),
  };
  return {
    headers,
    ask: (path, more = {}) =>
      send({ origin: `http://127.0.0.1:${port}`, path, ...more, headers: { ...headers, ...more.headers } }),
  };
}

async function signIn(port: number, user: string): Promise<Visitor> {
  const answer = await visitor(port).ask("/sign-in", {
    method: "POST",
    body: `user=${user}`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  return visitor(port, answer.header("set-cookie")?.split(";")[0]);
}

/** Opens a stream of events; resolves when its head has come. */
async function openEvents(port: number, { headers }: Visitor): Promise<IncomingMessage> {
  const asking = request({
    host: "127.0.0.1",
    port,
    path: "/qlik/_session/events",
    headers,
    agent: false,
  }).end();
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  return response;
}

/** Resolves when a stream has said a word. */
async function heardOf(events: IncomingMessage, word: string): Promise<void> {
  let text = "";
  for await (const chunk of events) {
    text += String(chunk);
    if (text.includes(word)) return;
  }
  throw new Error(`the stream has ended without ${word}: ${text}`);
}

describe.each(edges)("behind $name as documented", ({ start }: Edge) => {
  let door: Program;
  let ann: Visitor;
  beforeAll(async () => {
    const { port } = new URL(proxy.url);
    door = await start({ proxy: Number(port), portal: portal.port });
    ann = await signIn(door.port, "ann");
  });
  afterAll(() => door.close());

  test("the app answers what is not the proxy's, and the proxy the rest, for whom the app names", async () => {
    expect((await ann.ask("/")).text).toContain("Sales, as Ann Sample may see them");
    const me = await ann.ask("/qlik/api/v1/users/me");
    expect([me.status, me.json()]).toEqual([200, expect.objectContaining({ subject: "sample|ann" })]);
    expect(me.header("set-cookie")).toBeUndefined();
  });

  test("nobody is somebody, and the proxy says so in its own words", async () => {
    const answer = await visitor(door.port).ask("/qlik/api/v1/users/me");
    expect([answer.status, answer.json()]).toMatchObject([
      401,
      { errors: [{ code: "QSP-UNAUTHENTICATED" }] },
    ]);
  });

  test("what a browser says of itself does not count", async () => {
    const claims = {
      "x-user-sub": "sample|bob",
      "x-user-email": "bob@example.com",
      "x-user-groups": '["Administrators"]',
      "x-user-session": "another",
      "x-forwarded-for": "203.0.113.7",
    };
    const stranger = await visitor(door.port).ask("/qlik/api/v1/users/me", { headers: claims });
    expect(stranger.status).toBe(401);
    const me = await ann.ask("/qlik/api/v1/users/me", { headers: claims });
    expect(me.json()).toMatchObject({ subject: "sample|ann", email: "ann@example.com" });
    const seen = JSON.stringify(tenant.recordings({ path: "/api/v1/users/me" }).at(-1));
    expect(seen).toContain("127.0.0.1");
    expect(seen).not.toContain("203.0.113.7");
  });

  test("nobody asks the app who he is", async () => {
    expect((await ann.ask("/whoami")).status).toBe(404);
    expect((await ann.ask("/_qsp_whoami")).status).toBe(404);
  });

  test("a socket opens, and the first message comes", async () => {
    const app = "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";
    const socket = testSocket(`ws://127.0.0.1:${door.port}/qlik/app/${app}`, ann.headers);
    expect(await socket.message()).toContain("OnConnected");
    socket.ws.terminate();
    await socket.closed;
  });

  test("a path goes on as it came", async () => {
    await ann.ask("/qlik/api/v1/items/a%20b?x=%2F..%2F&y=a+b");
    expect(tenant.recordings().at(-1)?.url).toBe("/api/v1/items/a%20b?x=%2F..%2F&y=a+b");
    const ambiguous = await ann.ask("/qlik/api/v1/items/%2e%2e/spaces");
    expect([ambiguous.status, ambiguous.json()]).toMatchObject([400, { errors: [{ code: "QSP-TARGET" }] }]);
  });

  test("an upload that is larger than the front door's own limit passes", async () => {
    const body = Buffer.alloc(3 * 1024 * 1024, "x");
    const made = await ann.ask("/qlik/api/v1/temp-contents?filename=a.bin", { method: "POST", body });
    expect(made.status).toBe(201);
  });

  test("an event comes when it happens, not when the stream ends", async () => {
    const bob = await signIn(door.port, "bob");
    expect((await bob.ask("/qlik/api/v1/users/me")).status).toBe(200);
    const events = await openEvents(door.port, bob);
    expect([events.statusCode, events.headers["content-type"]]).toEqual([200, "text/event-stream"]);
    const heard = heardOf(events, "ended");
    expect((await bob.ask("/qlik/_session", { method: "DELETE" })).status).toBe(204);
    await heard;
    events.destroy();
  });
});

test("nginx takes the file as it is published, with TLS", async () => {
  const pair = await generate([{ name: "commonName", value: host }], { keyType: "ec", algorithm: "sha256" });
  expect(await testNginx(pair.cert, pair.private)).toContain("test is successful");
});
