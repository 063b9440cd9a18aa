/* Several tenants in one file: what is wrong, and where. product B2 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { optionsForOne } from "../../src/options/several-tenants.ts";
import { type ConfigFolder, createConfigFolder, loaded, problemsOf } from "./config-folder.ts";

let folder: ConfigFolder;
beforeAll(() => {
  folder = createConfigFolder();
});
afterAll(() => folder.remove());

const entry = (name: string, match: string, more = ""): string =>
  `  - { name: ${name}, match: { ${match} }, origin: "https://${name}.eu.qlikcloud.com", ${more}` +
  `signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }] }\n`;

const around = `
publicOrigin: https://portal.example.com
identity:
  trustedHeader: { from: [127.0.0.1/32], subject: X-User-Sub, email: X-User-Email, tenant: X-User-Tenant }
`;

const write = (entries: string, text = around): string =>
  folder.write("config.yaml", `${text}tenants:\n${entries}`);
const problems = (entries: string, text?: string): readonly string[] =>
  problemsOf({ file: write(entries, text) });
const withoutOrigin = around.replace("publicOrigin: https://portal.example.com\n", "");

test("an entry overrides the policy and single limits of all, and has what single tenants have", () => {
  const first = entry(
    "acme",
    "prefix: /qlik/acme",
    "policy: { deny: [/api/v1/items] }, limits: { sockets: 5 }, ",
  );
  const text = `${around}limits: { sockets: 9, loginsPerMinute: 7 }\n`;
  const { options } = loaded({ file: write(first + entry("globex", "prefix: /qlik/globex"), text) }).config;
  const [acme, globex] = ["acme", "globex"].map((name) => optionsForOne(options, name));
  expect(acme).toMatchObject({
    prefix: "/qlik/acme",
    policy: { deny: ["/api/v1/items"] },
    limits: { sockets: 5, loginsPerMinute: 7 },
    tenant: { origin: "https://acme.eu.qlikcloud.com" },
  });
  expect(globex).toMatchObject({ prefix: "/qlik/globex", limits: { sockets: 9, loginsPerMinute: 7 } });
  expect(globex).not.toHaveProperty("policy");
});

test.each<[what: string, entries: string, expected: readonly string[]]>([
  ["no list", "  acme: {}\n", ["tenants: must be a list"]],
  [
    "two kinds of match",
    entry("acme", "claim: a") + entry("globex", "prefix: /g"),
    ["tenants[1].match: must be by claim, as tenants[0] is: all tenants are told apart by the same"],
  ],
  [
    "a prefix inside another, and one that differs in case alone",
    entry("acme", "prefix: /qlik") +
      entry("globex", "prefix: /qlik/globex") +
      entry("other", "prefix: /QLIK"),
    ["tenants[1].match.prefix: meets that of tenants[0]: a request could mean either"],
  ],
  [
    "a prefix that is the root",
    entry("acme", "prefix: /") + entry("globex", "prefix: /g"),
    ["tenants[1].match.prefix: meets that of tenants[0]: a request could mean either"],
  ],
  [
    "a prefix that is none",
    entry("acme", "prefix: /a/%67") + entry("globex", "prefix: /g"),
    ["tenants[0].match.prefix: may hold letters, digits, . _ ~ and - only, with single slashes between them"],
  ],
  [
    "the same name, claim and origin",
    entry("acme", "claim: a") + entry("acme", "claim: a"),
    [
      "tenants[1].name: is the name of tenants[0] too",
      "tenants[1].origin: is the tenant of tenants[0] already",
      "tenants[1].match.claim: meets that of tenants[0]: a request could mean either",
    ],
  ],
  [
    "keys that depend on the kind",
    entry("acme", "claim: a", "publicOrigin: https://a.example.com, policy: {}, "),
    [
      "tenants[0].publicOrigin: is for tenants that are told apart by host",
      "tenants[0].policy: cannot differ by claim: the door judges before it is known who asks",
    ],
  ],
  [
    "what a tenant of its own would be told",
    entry("acme", "claim: a", "sessionIdle: 30, orign: x, limits: { sockets: 0 }, "),
    [
      "tenants[0].sessionIdle: is a bare number, which does not say its unit: write ms, s, m, h or d, such as 30s",
      'tenants[0].orign: is not a known key; did you mean "origin"?',
      "tenants[0].limits.sockets: must be from 1 to 1000000, not 0",
    ],
  ],
])("says what is wrong with %s", (_what, entries, expected) => {
  expect(problems(entries)).toEqual(expected);
});

test("asks for one public origin, or for one of each host", () => {
  const byPrefix = entry("acme", "prefix: /qlik/acme");
  expect(problems(byPrefix, withoutOrigin)).toEqual(["publicOrigin: is missing"]);
  const byHost = entry("acme", "host: a.example.com") + entry("globex", "host: g.example.com:8443");
  expect(problems(byHost, withoutOrigin)).toEqual([]);
  expect(problems(byHost)).toEqual([
    "publicOrigin: must be left out: tenants that are told apart by host have one each",
  ]);
  expect(problems(byPrefix, `${around}prefix: /qlik\n`)).toEqual([
    "prefix: must be left out: tenants that are told apart by prefix have one each",
  ]);
  const [problem] = problems(entry("acme", "host: A.example.com"), withoutOrigin);
  expect(problem).toBe(
    "tenants[0].match.host: must be a host as browsers write it, such as analytics.example.com, with its port where that is unusual",
  );
  const other = entry("acme", "host: a.example.com", "publicOrigin: https://b.example.com, ");
  expect(problems(other, withoutOrigin)).toEqual([
    "tenants[0].match.host: must be the host of its publicOrigin, with the port if it has one",
  ]);
});

test("asks for one tenant or several, and for where a claim is", () => {
  const both = `${around}tenant: { origin: "https://a.example.com" }\n`;
  expect(problems(entry("acme", "claim: a"), both)).toContain(
    "tenant: is given beside tenants: move it there",
  );
  const unnamed = around.replace(", tenant: X-User-Tenant", "");
  expect(problems(entry("acme", "claim: a"), unnamed)).toEqual([
    "identity.trustedHeader.tenant: is missing: which header holds what match.claim says?",
  ]);
  const oidc = `${withoutOrigin.slice(0, withoutOrigin.indexOf("  trustedHeader"))}  oidc: { issuer: "https://idp.example.com", clientId: a, clientSecret: b }\npublicOrigin: https://portal.example.com\n`;
  expect(problems(entry("acme", "claim: a"), oidc)).toEqual([
    "identity: signs people in itself, which it does for one tenant: tell tenants apart by host or by prefix",
  ]);
});
