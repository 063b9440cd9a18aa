import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { kindKeys } from "../../src/options/tenant-kinds.ts";
import { keyNames } from "../../src/server/config/names.ts";
import { fileBackedKeys } from "../../src/server/config/schema.ts";
import { repository } from "../architecture/fixture-tree.ts";
import { type ConfigFolder, createConfigFolder, problemsOf, rightConfig } from "./config-folder.ts";

/** A part of the published schema, as far as these tests look. */
interface SchemaPart {
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly items?: SchemaPart;
  readonly type?: string;
  readonly description?: string;
  readonly not?: unknown;
}

const schemaFile = createRequire(import.meta.url).resolve("qlik-session-proxy/config.schema.json");
const schema = JSON.parse(readFileSync(schemaFile, "utf8")) as SchemaPart;
const page = readFileSync(join(repository, "docs/reference/configuration.md"), "utf8");

const nameOf = (path: readonly string[]): string => path.join(".").replaceAll(".[]", "[]");
const known = keyNames.filter(({ leaf }) => leaf !== "unavailable");

/** The values of the published schema by their names. */
function valuesOf(
  part: SchemaPart,
  path: readonly string[] = [],
): readonly (readonly [string, SchemaPart])[] {
  const { properties, items } = part;
  if (properties !== undefined)
    return Object.entries(properties).flatMap(([key, inner]) => valuesOf(inner, [...path, key]));
  if (items?.properties !== undefined) return valuesOf(items, [...path, "[]"]);
  return [[nameOf(path), part]];
}

let folder: ConfigFolder;
let accepts: ValidateFunction;
beforeAll(() => {
  folder = createConfigFolder();
  accepts = new Ajv({ strict: true, strictRequired: false, allErrors: true }).compile(schema);
});
afterAll(() => folder.remove());

const takes = (yaml: string): boolean => accepts(parse(yaml));
const isRight = (yaml: string): boolean =>
  problemsOf({ file: folder.write("config.yaml", yaml) }).length === 0;

describe("the published JSON Schema", () => {
  test("has the keys that the code has, each explained", () => {
    const values = valuesOf(schema);
    expect(
      values
        .filter(([, { not }]) => not === undefined)
        .map(([name]) => name)
        .toSorted(),
    ).toEqual(known.map(({ path }) => nameOf(path)).toSorted());
    const unexplained = values.filter(([, { description = "" }]) => !/^[A-Z`].{8,}\.$/.test(description));
    expect(unexplained).toEqual([]);
  });

  test("takes a right file", () => {
    takes(rightConfig);
    expect(accepts.errors).toBeNull();
  });

  test.each([
    "session: { idleTimeout: 20m, renewBefore: 2m, storeGrace: 0s }",
    "limits: { requestBody: 1.5GiB, sockets: 100 }",
    "policy: { presets: [embed], allow: ['GET /api/v1/items/**'] }",
    "workers: 1",
    "http2: false",
    "upstream: { client: undici }",
    'listen: "[::1]:8787"',
  ])("and the code take %j", (line) => {
    expect([takes(`${rightConfig}${line}\n`), isRight(`${rightConfig}${line}\n`)]).toEqual([true, true]);
  });

  test.each([
    "sesion: { idleTimeout: 20m }",
    "session: { idleTimeout: 1200 }",
    'session: { idleTimeout: "1200" }',
    "session: { idleTimeout: 20 minutes }",
    "session: { idleTimeout: }",
    "session: { secret: a-secret-of-thirty-two-bytes-or-so, secretFile: secret }",
    "limits: { requestBody: 1MB }",
    "limits: { sockets: 0 }",
    "limits: { sockets: 1.5 }",
    "policy: { allow: GET /api/v1/items }",
    "tls: { certFile: cert.pem }",
    "admin: { tokenFile: token }",
    "edge: { listen: 127.0.0.1:1 }",
    "edge: { token: a-token-of-thirty-two-bytes-or-so, tokenFile: token }",
    "upstream: { client: axios }",
    "allowMissingOrigin: 1",
  ])("and the code refuse %j", (line) => {
    expect([takes(`${rightConfig}${line}\n`), isRight(`${rightConfig}${line}\n`)]).toEqual([false, false]);
  });

  test.each([
    ["publicOrigin: https://portal.example.com", ""],
    ['keyId: "2026-01"', "keyId: 2026"],
    [", privateKeyFile: key.pem", ""],
    ["privateKeyFile: key.pem", "privateKeyFile: key.pem, privateKey: text"],
    ["subject: X-User-Sub", "subject: ''"],
  ])("and the code refuse a file with %j as %j", (from, to) => {
    expect(rightConfig).toContain(from);
    const wrong = rightConfig.replace(from, to);
    expect([takes(wrong), isRight(wrong)]).toEqual([false, false]);
  });
});

describe("the published JSON Schema and the code, on a tenant", () => {
  const keys = 'signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]';
  const client = "kind: qlik-cloud-oauth, clientId: acme-portal";
  const sense = "kind: qlik-sense-jwt, userDirectory: PORTAL";
  const samples: readonly (readonly [tenant: string, isRight: boolean])[] = [
    [`kind: qlik-cloud-jwt, ${keys}, sessionIdle: 20m`, true],
    [`${client}, clientSecret: secret, sessionLifetime: 1h`, true],
    [`${client}, clientSecretFile: client-secret, scope: user_default, userLookup: userId`, true],
    [`${sense}, ${keys}, sessionIdle: 20m`, true],
    [`${sense}, ${keys}, virtualProxy: a, sessionCookie: X-Qlik-Session-a, userIdClaim: uid`, true],
    // What a kind needs.
    ["kind: qlik-cloud-jwt", false],
    ["sessionLifetime: 1h", false],
    [client, false],
    ["kind: qlik-cloud-oauth, clientSecret: secret", false],
    [`${client}, clientSecret: secret, clientSecretFile: client-secret`, false],
    [sense, false],
    [`kind: qlik-sense-jwt, ${keys}`, false],
    // What is of another kind.
    [`${keys}, clientId: acme-portal`, false],
    [`${keys}, clientSecretFile: client-secret`, false],
    [`kind: qlik-cloud-jwt, ${keys}, userDirectory: PORTAL`, false],
    [`${client}, clientSecret: secret, ${keys}`, false],
    [`${client}, clientSecret: secret, sessionIdle: 20m`, false],
    [`${client}, clientSecret: secret, virtualProxy: jwt`, false],
    [`${sense}, ${keys}, clientSecret: secret`, false],
    [`${sense}, ${keys}, userLookup: subject`, false],
    // What is of none.
    [`kind: qlik-cloud, ${keys}`, false],
    [`kind: Qlik-Sense-JWT, userDirectory: PORTAL, ${keys}`, false],
  ];

  beforeAll(() => folder.write("client-secret", "a secret"));

  test("have samples of every kind, and keys for all that only some kinds have", () => {
    for (const [kind, own] of Object.entries(kindKeys)) {
      expect(samples.filter(([tenant]) => tenant.includes(`kind: ${kind}`)).length).toBeGreaterThan(2);
      expect(Object.keys(schema.properties?.["tenant"]?.properties ?? {})).toEqual(
        expect.arrayContaining(Object.keys(own)),
      );
    }
  });

  test.each(samples)("agree on { %s }", (tenant, expected) => {
    const origin = "origin: https://acme.eu.qlikcloud.com";
    const only = rightConfig.replace(
      /tenant:\n[^]*?identity:/,
      `tenant: { ${origin}, ${tenant} }\nidentity:`,
    );
    expect([takes(only), isRight(only)]).toEqual([expected, expected]);
    const oneOfMany = `tenants: [{ name: acme, match: { prefix: /qlik }, ${origin}, ${tenant} }]`;
    const many = rightConfig.replace(/tenant:\n[^]*?identity:/, `${oneOfMany}\nidentity:`);
    expect([takes(many), isRight(many)]).toEqual([expected, expected]);
  });
});

describe("the reference page", () => {
  test("has a row of its own, a variable and a flag for each key", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| `"));
    const named = rows.map((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    const rowsOf = (cell: string): number =>
      rows.filter((row) => row.startsWith(`| ${cell} `) && !row.includes("`QSP_")).length;
    for (const { path, variable, flag } of known) {
      const name = nameOf(path);
      expect(named).toContainEqual([name, variable, `--${flag}`]);
      const key = name.replace(/File$/, "");
      const isPair = fileBackedKeys.some((pair) => nameOf(pair.path) === key);
      expect([name, rowsOf(isPair ? `\`${key}\` or \`${key}File\`` : `\`${name}\``)]).toEqual([name, 1]);
    }
  });

  test("says the ranges and defaults that the code keeps", () => {
    const file = folder.write("config.yaml", rightConfig);
    const rows = [
      ...page.matchAll(/^\| `([\w.]+)` +\| (duration|size|number), (\w+) to (\w+) +\| `(\w+)`/gm),
    ];
    expect(rows.length).toBeGreaterThan(20);
    for (const [, name = "", kind = "", from = "", to = "", fallback = ""] of rows) {
      const { variable = "" } = known.find(({ path }) => nameOf(path) === name) ?? {};
      const set = (value: string): readonly string[] =>
        problemsOf({ file, environment: { [variable]: value } });
      expect(set(beyond[kind] ?? "").join()).toContain(`${name}: must be from ${from} to ${to}, not`);
      // A key of another identity source than the file's is one too many; of its value nothing is said.
      const said = set(fallback).filter((problem) => problem.startsWith(`${name}:`));
      expect([name, said]).toEqual([name, []]);
    }
  });
});

/** More than any key takes. */
const beyond: Readonly<Record<string, string>> = { duration: "9999d", size: "99999GiB", number: "999999999" };
