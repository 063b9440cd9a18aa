/*
 * Whatever a host or a crash prints of the proxy's objects must hold no secret. The configuration that the server loads held
 * the private keys, the session secrets and the store's password as plain texts, a session its CSRF token, and the failure
 * of a connection the bytes that a parser had not understood, cookies of the tenant among them.
 */
import { format, inspect } from "node:util";
import { generate } from "selfsigned";
import { afterAll, expect, test } from "vitest";
import type { SessionProxyError } from "../../src/errors.ts";
import { createSessionProxy, type SessionProxyOptions } from "../../src/index.ts";
import { resolveOptions } from "../../src/options/session-proxy-options.ts";
import { resolveAll } from "../../src/options/several-tenants.ts";
import { createStandaloneServer, Secret } from "../../src/server.ts";
import { createUpstream } from "../../src/upstream/upstream.ts";
import { createConfigFolder, loaded, privateKeyPem, rightConfig } from "../config/config-folder.ts";
import { createSessionNodes } from "../support/session-nodes.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const folder = createConfigFolder();
afterAll(() => folder.remove());

/** Everything that can be made of a value without asking it for its secrets. */
const printed = (value: unknown): string =>
  [
    inspect(value, { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    format("%o %O %j %s", value, value, value, value),
    JSON.stringify(value),
    inspect(new Error("refused", { cause: value }), { depth: null }),
  ].join("\n");

/** The second line of a PEM text: as good as all of it. */
const lineOf = (pem: string): string => pem.replaceAll("\\n", "\n").split("\n")[1] ?? pem;

const secrets = {
  secret: "c4n4ry-of-the-session-secret-0123456789",
  older: "c4n4ry-of-the-older-session-secret-0123",
  token: "c4n4ry-of-the-admin-token",
  webhook: "c4n4ry-of-the-webhook",
  password: "c4n4ry-of-redis",
} as const;

/** A configuration with every secret that there is. */
async function withSecrets() {
  const pair = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  folder.write("tls-cert.pem", pair.cert);
  folder.write("tls-key.pem", pair.private);
  folder.write("secret", `${secrets.secret}\n${secrets.older}\n`);
  const file = folder.write(
    "config.yaml",
    `${rightConfig}
tls: { certFile: tls-cert.pem, keyFile: tls-key.pem }
admin: { listen: "127.0.0.1:0", token: ${secrets.token}, webhookSecret: ${secrets.webhook} }
session: { secretFile: secret, store: "redis://user:${secrets.password}@127.0.0.1:1" }
`,
  );
  const { config } = loaded({ file });
  return { config, found: [...Object.values(secrets), lineOf(privateKeyPem), lineOf(pair.private)] };
}

test("the configuration of a server prints none of its secrets", async () => {
  const { config, found } = await withSecrets();
  const text = printed(config);
  expect(text).toContain("[secret]");
  for (const secret of found) expect(text).not.toContain(secret);
});

test("the options of a proxy print none of them, as given and as resolved; nor do proxy and server", async () => {
  const { config, found } = await withSecrets();
  const server = started.keep(
    await createStandaloneServer({ ...config, listen: { host: "127.0.0.1", port: 0 } }),
  );
  const proxy = started.keep(createSessionProxy(config.options));
  const text = [config.options, resolveAll(config.options), proxy, server].map(printed).join("\n");
  for (const secret of found) expect(text).not.toContain(secret);
});

test("a host may give its secrets in the form that is not printed", () => {
  const options = {
    tenant: {
      origin: "https://acme.eu.qlikcloud.com",
      signingKeys: [{ issuer: "i", keyId: "k", privateKey: new Secret(privateKeyPem) }],
    },
    identify: () => null,
    secret: [new Secret(secrets.secret), secrets.older],
    store: new Secret(`redis://user:${secrets.password}@127.0.0.1:1`),
  } satisfies SessionProxyOptions;
  const resolved = resolveOptions(options);
  expect(resolved.secrets.map((each) => each.reveal())).toEqual([secrets.secret, secrets.older]);
  expect(resolved.store).toMatchObject({ kind: "redis", address: { login: { user: "user" } } });
  const short = () => resolveOptions({ ...options, secret: new Secret("short"), store: new Secret("disk") });
  expect(short).toThrow(/secret: must be 32 bytes or longer[^]*|store: must be memory/);
  expect(printed({ ...options, secret: options.secret[0] })).not.toContain("c4n4ry");
});

test("a session prints neither its cookies nor its CSRF token", async () => {
  const nodes = createSessionNodes({}, { "qlik-csrf-token": "c4n4ry-of-csrf" });
  const node = nodes.start();
  const acquiring = node.acquire({ subject: "ann" });
  await nodes.pass(2000);
  const session = await acquiring;
  expect(await node.manager.tenant.csrfToken(session.key, session.current)).toBe("c4n4ry-of-csrf");
  const cookie = session.current.jar.header("/", node.clock.now());
  const text = printed(session) + printed(node.manager);
  expect(text).toContain("csrfToken");
  for (const secret of ["c4n4ry", cookie]) expect(text).not.toContain(secret);
});

test.each([
  ["a broken head", "HTTP/1.1 200 OK\r\nbro\0ken: x\r\nSet-Cookie: eas.sid=c4n4ry\r\n\r\n"],
  ["no HTTP", "c4n4ry c4n4ry\r\n\r\n"],
  [
    "an answer that nobody can frame",
    "HTTP/1.1 200 OK\r\nSet-Cookie: eas.sid=c4n4ry\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
  ],
])("the failure of a connection keeps its words and no byte of what came: %s", async (_name, bytes) => {
  const { upstream } = await started.raw((_request, socket) => void socket.end(bytes));
  const ways = (["undici", "own"] as const).map((client) =>
    started.keep(
      createUpstream({
        origin: upstream.origin,
        ca: undefined,
        timeouts: { connect: 5000, headers: 5000, bodyIdle: 5000 },
        perSession: 1,
        idle: 1000,
        idleTotal: 1,
        total: 1,
        client,
      }),
    ),
  );
  const headers = ["cookie", "eas.sid=c4n4ry-sent"];
  const failures = await Promise.all(
    ways.flatMap((way) => [
      way
        .callFor("ann")({ method: "GET", path: "/x", headers, timeout: 5000 })
        .catch((error: unknown) => error),
      way
        .connect({ path: "/x?qlik-csrf-token=c4n4ry", headers }, { isGone: false, onGone: null })
        .catch((error: unknown) => error),
    ]),
  );
  for (const failure of failures) {
    const { code, cause } = failure as SessionProxyError;
    expect([code, (cause as Error).message]).toEqual(["QSP-UPSTREAM", expect.stringMatching(/./)]);
    expect(printed(failure)).not.toContain("c4n4ry");
  }
});
