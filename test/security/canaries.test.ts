/*
 * Secrets are where they are used and nowhere else. A server runs with a canary in the place of every secret, is made to do
 * everything that it does, and all that came out of it is searched: both streams with every event at every level, each
 * answer with its head, the files of the store, what the system shows of the process, and a crash. attacks S13 W16 J3 L1
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorTable } from "../../src/errors.ts";
import { fileBackedKeys } from "../../src/server/config/schema.ts";
import { problemsOf } from "../config/config-folder.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { tenantKind } from "../support/tenant-kind.ts";
import { browserOf, drive, type Driven, personal, sent } from "./canary/drive.ts";
import { asBytes, findCanaries, type Output } from "./canary/grep.ts";
import { type CanaryTenant, startCanaryTenant } from "./canary/tenant.ts";
import {
  type CanaryServer,
  type CanaryWorld,
  createCanaryWorld,
  filesIn,
  shownByProc,
} from "./canary/world.ts";

const open: { close(): unknown }[] = [];
const keep = <Kept extends { close(): unknown }>(kept: Kept): Kept => {
  open.push(kept);
  return kept;
};

let world: CanaryWorld;
let tenant: CanaryTenant;
beforeAll(async () => {
  world = keep(await createCanaryWorld());
  tenant = keep(await startCanaryTenant(textOf("client-secret")));
});
afterAll(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Every secret there is, so far. */
const secrets = (): ReadonlyMap<string, string> => new Map([...world.secrets, ...sent, ...tenant.secrets]);

const textOf = (name: string): string => world.secrets.get(name) ?? "";

describe("a server that has done everything", () => {
  let server: CanaryServer;
  let driven: Driven;
  let shown: readonly Output[];
  let logs: readonly Output[];
  let answers: readonly Output[];
  let files: readonly Output[];

  beforeAll(async () => {
    server = await world.serve(world.config({ tenantOrigin: tenant.origin }));
    shown = shownByProc(server);
    driven = await drive(server, tenant, { token: textOf("token"), webhookSecret: textOf("webhook-secret") });
    logs = server.outputs();
    answers = driven.browsers.flatMap(({ outputs }) => outputs);
    files = filesIn(join(world.folder, "state"));
  }, 90_000);

  test("has drained, and met every error that it can", async () => {
    expect(await server.command.ended).toBe(0);
    const met = new Set(driven.browsers.flatMap(({ codes }) => [...codes]));
    const others = new Set([
      "QSP-STORE", // below, with a store that can be away
      "QSP-BODY-CONSUMED", // a host's body parser; there is none in the server
      "QSP-INTERNAL", // a fault of ours
    ]);
    const missing = Object.keys(errorTable).filter((code) => !met.has(code) && !others.has(code));
    expect(missing).toEqual([]);
    for (const event of [
      "login.refused",
      "session.renewed",
      "socket.opened",
      "socket.refused",
      "session.revoked",
    ])
      expect(logs[1]?.text).toContain(event);
  });

  test("has used the secrets, and told the tenant none that are not its own", () => {
    const received = tenant.received.join("\n");
    const used = [...tenant.secrets].filter(([name]) =>
      /^(?:session|signature|CSRF token|CSRF token of a login) /.test(name),
    );
    // Requests show a session by one value or by several.
    const fewest = wire.token.inRequests ? 8 : 2;
    expect(used.filter(([, value]) => received.includes(value)).length).toBeGreaterThan(fewest);
    const others = new Map([...world.secrets, ...sent]);
    expect(findCanaries([{ name: "the tenant", text: received }], others)).toEqual([]);
  });

  test("has shown no secret: not in a line, an answer, a page, a file or the system's tables", () => {
    expect(answers.length).toBeGreaterThan(60);
    expect(files.length).toBeGreaterThan(0);
    expect(findCanaries([...logs, ...answers, ...files, ...shown], secrets())).toEqual([]);
  });

  test("has written nothing of a person into log or store, and shows it in no error", () => {
    const errors = answers.filter(({ text }) => /^[45]/.test(text));
    expect(errors.length).toBeGreaterThan(30);
    const keys = driven.keys.map((key, index) => [`key of session ${index}`, key] as const);
    expect(keys.length).toBeGreaterThan(0);
    expect(findCanaries([...logs, ...files, ...errors], new Map([...personal, ...keys]))).toEqual([]);
  });

  test("has written no line that is not JSON, and no control character", () => {
    for (const line of server.command.lines) {
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), event: expect.any(String) });
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe("a server that crashes", () => {
  test(
    "over Redis that is away, and that takes another password, shows none",
    { timeout: 60_000 },
    async () => {
      const password = textOf("older-secret");
      const acl = { user: "proxy", password };
      const redis = keep(await startRedisServer({ acl }));
      const server = await world.serve(world.config({ tenantOrigin: tenant.origin, store: redis.url }));
      const ann = browserOf(server, "ann");
      const served = async () => (await ann.ask("/api/v1/users/me")).status;
      await expect.poll(served, { timeout: 10_000 }).toBe(200);
      await redis.kill();
      await expect
        .poll(async () => (await browserOf(server, "new").ask("/api/v1/users/me")).status)
        .toBe(503);
      const late = browserOf(server, "late");
      await late.visit("/api/v1/users/me");
      expect([...late.codes]).toEqual(["QSP-STORE"]);
      const other = keep(
        await startRedisServer({ port: redis.port, acl: { user: "proxy", password: "another" } }),
      );
      await server.command.line((line) => line.includes("store."));
      await late.ask("/api/v1/users/me");
      server.command.signal("SIGUSR2");
      expect(await server.command.ended).not.toBe(0);
      expect(server.command.complaints()).toContain("a crash");
      const outputs = [...server.outputs(), ...ann.outputs, ...late.outputs];
      expect(findCanaries(outputs, secrets())).toEqual([]);
      for (const each of [ann, late]) each.close();
      await other.close();
    },
  );

  test("with TLS and a store that was never there shows none", { timeout: 60_000 }, async () => {
    const store = `redis://proxy:${textOf("older-secret")}@127.0.0.1:1`;
    const more = "tls: { certFile: tls-cert.pem, keyFile: tls-key.pem }";
    const server = await world.serve(world.config({ tenantOrigin: tenant.origin, store, more }));
    server.command.signal("SIGUSR2");
    expect(await server.command.ended).not.toBe(0);
    const [, errors] = server.outputs();
    const key = tenantKind === "qlik-cloud-oauth" ? [] : ["PrivateKeyObject"];
    for (const word of ["a crash", "its cause", "[secret]", ...key]) expect(errors?.text).toContain(word);
    expect(findCanaries([...server.outputs(), ...shownByProcOf(server)], secrets())).toEqual([]);
  });

  /** The process is gone; what it was started with is not. */
  const shownByProcOf = ({ url }: CanaryServer): readonly Output[] => [{ name: "its address", text: url }];
});

test(
  "the text of the signing key is in no snapshot of the heap of a server",
  { timeout: 60_000 },
  async () => {
    const heap = join(world.folder, "server.heapsnapshot");
    const config = world.config({ tenantOrigin: tenant.origin, store: "memory" });
    const server = await world.serve(config, { CANARY_HEAP: heap });
    const ann = browserOf(server, "ann");
    expect((await ann.ask("/api/v1/users/me")).status).toBe(200);
    server.command.signal("SIGUSR2");
    expect(await server.command.ended).toBe(0);
    const found = findCanaries([{ name: "the heap", text: readFileSync(heap, "latin1") }], world.secrets);
    // What the server has to compare and to derive keys from is there, which shows that the search would find the key.
    expect(found).toContain("secret in the heap");
    expect(found.filter((line) => line.startsWith("signing key"))).toEqual([]);
  },
);

describe("a configuration with its secrets in wrong places", () => {
  const files = [
    "secret",
    "token",
    "webhook-secret",
    "client-secret",
    "tls-key.pem",
    "key.pem",
    "served.yaml",
  ];

  test.each(files)("repeats nothing of the file %s, whichever key names it", (name) => {
    const file = world.write("right.yaml", world.config({ tenantOrigin: "http://127.0.0.1:1" }));
    for (const { path } of fileBackedKeys) {
      const words = path.map((part) => (part === "[]" ? "0" : part.replace(/(?=[A-Z])/g, "_").toUpperCase()));
      const environment = { [`QSP_${words.join("_")}_FILE`]: join(world.folder, name) };
      const text = problemsOf({ file, environment }).join("\n");
      expect([path, findCanaries([{ name: "problems", text }], world.secrets)]).toEqual([path, []]);
    }
  });
});

describe("the search", () => {
  test("finds a secret that a server prints, in another spelling", { timeout: 30_000 }, async () => {
    const variables = { CANARY_PLANT: join(world.folder, "token") };
    const server = await world.serve(
      world.config({ tenantOrigin: tenant.origin, store: "memory" }),
      variables,
    );
    await server.command.kill();
    expect(findCanaries(server.outputs(), secrets())).toEqual(["token in standard error"]);
  });

  test.each<[string, (value: string) => string]>([
    ["as it is", (value) => value],
    ["in an address", (value) => `/x?y=${encodeURIComponent(value)}`],
    ["in JSON", (value) => JSON.stringify({ value })],
    ["in hex", (value) => Buffer.from(value).toString("hex")],
    ["inside of what is base64", (value) => Buffer.from(`user:${value}`).toString("base64url")],
  ])("finds one %s", (_name, spell) => {
    const canaries = new Map([["it", 'c4n4ry+/="\\?ä1234']]);
    const text = `before ${asBytes(spell(canaries.get("it") ?? ""))} after`;
    expect(findCanaries([{ name: "a line", text }], canaries)).toEqual(["it in a line"]);
    expect(findCanaries([{ name: "a line", text: "before after" }], canaries)).toEqual([]);
  });
});
