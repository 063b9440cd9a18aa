import { generateKeyPairSync } from "node:crypto";
import { resolve as resolvePath } from "node:path";
import { inspect } from "node:util";
import { generate } from "selfsigned";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../errors.ts";
import { systemClock } from "../kernel/clock.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { resolveOptions } from "./session-proxy-options.ts";
import { holdsPassword, readStoreChoice } from "./store-choice.ts";

const privateKey = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
const secret = "a-secret-of-thirty-two-bytes-or-so";

const resolve = (options: object, environment: NodeJS.ProcessEnv = {}): ReturnType<typeof resolveOptions> =>
  resolveOptions(
    {
      tenant: {
        origin: "https://acme.eu.qlikcloud.com",
        signingKeys: [{ issuer: "acme-portal", keyId: "2026-01", privateKey }],
      },
      identify: () => null,
      ...options,
    },
    environment,
  );

const problemsOf = (options: object): readonly string[] => {
  try {
    resolve(options);
    return [];
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
};

describe("the store", () => {
  test("is memory unless it is said", () => {
    expect(resolve({}).store).toEqual({ kind: "memory" });
    expect(resolve({ store: "memory" }).store).toEqual({ kind: "memory" });
  });

  test.each([
    ["file:/var/lib/qsp", "/var/lib/qsp"],
    ["file:///var/lib/q%20sp", "/var/lib/q sp"],
    ["file:state/qsp", resolvePath("state/qsp")],
    ["file:./state/", resolvePath("state")],
  ])("%s is the folder %s", (store, folder) => {
    expect(resolve({ store, secret }).store).toEqual({ kind: "file", folder });
  });

  test.each([
    ["redis://localhost:6379/2", "single"],
    ["rediss://user:hunter2@h", "single"],
    ["redis+sentinel://:hunter2@a,b/n?sentinelPassword=hunter2", "sentinel"],
    ["redis+cluster://a,b", "cluster"],
  ])("%s is a Redis store of the kind %s, and no password shows", (store, kind) => {
    const resolved = resolve({ store, secret });
    expect(resolved.store).toMatchObject({ kind: "redis", address: { kind }, ca: undefined });
    expect(inspect(resolved, { depth: null })).not.toContain("hunter2");
  });

  test("may be the caller's own, which stays as it is", () => {
    const own = new MemoryStore(systemClock);
    const literal = {
      reach: "nodes",
      read: own.read.bind(own),
      write: own.write.bind(own),
      names: own.names.bind(own),
      publish: own.publish.bind(own),
      subscribe: own.subscribe.bind(own),
      close: own.close.bind(own),
    };
    expect(resolve({ store: own, secret }).store).toEqual({ kind: "custom", store: own });
    expect(resolve({ store: literal, secret }).store).toEqual({ kind: "custom", store: literal });
    expect(Object.isFrozen(literal)).toBe(false);
    return own.close();
  });

  test.each([
    ["nonsense"],
    ["MEMORY"],
    ["http://localhost"],
    ["redis:"],
    ["rediss+cluster://a"],
    [""],
    [7],
    [null],
    [{ read: () => null }],
  ])("%j is refused with the forms that there are", (store) => {
    expect(problemsOf({ store, secret })).toEqual([expect.stringMatching(/^store: /)]);
  });

  test.each(["file:", "file://host/folder", "file:a\0b"])("%j is no folder", (store) => {
    expect(problemsOf({ store, secret })).toEqual([expect.stringMatching(/^store: .*folder/)]);
  });

  test("is never repeated in a problem", () => {
    const password = "hunter2-hunter2";
    for (const store of [`redsi://:${password}@h`, `redis://:${password}@h:99999999`, `:${password}@`]) {
      expect(JSON.stringify(readStoreChoice(store))).not.toContain(password);
    }
  });

  test("holds a password where it signs in", () => {
    expect(holdsPassword("redis://:password@host")).toBe(true);
    expect(holdsPassword("redis+sentinel://user:pass@a,b/name")).toBe(true);
    expect(holdsPassword("redis+sentinel://a,b/name?sentinelPassword=password")).toBe(true);
    expect(holdsPassword("redis://host:6379")).toBe(false);
    expect(holdsPassword("file:/home/me@work")).toBe(false);
  });
});

describe("an authority for the store", () => {
  test("must be a certificate, and for a store that uses one", async () => {
    const authority = (await generate([{ name: "commonName", value: "authority" }])).cert;
    const ca = "-----BEGIN CERTIFICATE-----";
    expect(problemsOf({ store: "rediss://h", secret, storeCa: ca })).toEqual([
      "storeCa: is not a certificate in PEM",
    ]);
    expect(problemsOf({ store: "memory", storeCa: ca })).toEqual(["storeCa: is not a certificate in PEM"]);
    const store = "redis+cluster://a,b";
    expect(problemsOf({ store, secret, storeCa: authority })).toEqual([
      expect.stringContaining("storeCa: is for a Redis store with TLS"),
    ]);
    const resolved = resolve({ store: `${store}?tls=true`, secret, storeCa: authority });
    expect(resolved.store).toMatchObject({ ca: authority });
  });
});

describe("secrets", () => {
  test("are needed where something is left behind when the process ends", () => {
    for (const store of ["file:state", "redis://localhost", new MemoryStore(systemClock)]) {
      expect(problemsOf({ store })).toEqual([
        "secret: is missing: it seals what the store holds; openssl rand -base64 32 makes one",
      ]);
    }
  });

  test("are random with the memory store, each time others", () => {
    const [one, other] = [resolve({}), resolve({})].map(({ secrets: [first] }) => first.reveal());
    expect(one).not.toBe(other);
  });

  test("keep their order, and show nothing", () => {
    const resolved = resolve({ store: "file:state", secret: [secret, `${secret}-2`] });
    expect(resolved.secrets.map((each) => each.reveal())).toEqual([secret, `${secret}-2`]);
    expect(JSON.stringify(resolved)).not.toContain(secret);
  });
});

describe("several processes", () => {
  const warningsOf = (options: object, environment: NodeJS.ProcessEnv = {}): readonly string[] =>
    resolve({ secret, ...options }, environment).warnings.map(({ path, message }) => `${path}: ${message}`);

  test.each([
    ["memory", "replicas is 3, but the memory store is shared by nobody"],
    ["file:state", "replicas is 3, but a file store is shared by nobody"],
  ])("with the store %s are warned of loudly", (store, words) => {
    const [warning, ...others] = warningsOf({ store, replicas: 3 });
    expect(warning).toContain(`store: ${words}`);
    expect(warning).toContain("A LOG-OUT ENDS THE SESSION IN ONE OF THEM ONLY");
    expect(others).toEqual([]);
  });

  test.each([
    [{ NODE_APP_INSTANCE: "1" }, "NODE_APP_INSTANCE is 1"],
    [{ WEB_CONCURRENCY: "4" }, "WEB_CONCURRENCY is 4"],
  ])("are seen in the environment %j", (environment, words) => {
    expect(warningsOf({}, environment)).toEqual([expect.stringContaining(words)]);
    expect(warningsOf({ store: "redis://localhost" }, environment)).toEqual([]);
  });

  test.each([{ NODE_APP_INSTANCE: "0" }, { WEB_CONCURRENCY: "1" }, { WEB_CONCURRENCY: "auto" }])(
    "are not seen in the environment %j",
    (environment) => expect(warningsOf({}, environment)).toEqual([]),
  );

  test("share a Redis store or the caller's own, which is no reason to warn", () => {
    const own = new MemoryStore(systemClock);
    expect(warningsOf({ store: "redis+cluster://a,b,c", replicas: 3 })).toEqual([]);
    expect(warningsOf({ store: own, replicas: 3 })).toEqual([]);
  });
});
