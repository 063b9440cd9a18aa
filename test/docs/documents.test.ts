import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository, runScript, writeTree, type Files, type Outcome } from "../architecture/fixture-tree.ts";

/** Documents in which every promise is kept. */
async function soundDocuments(): Promise<Files> {
  return {
    "package.json": JSON.stringify({ scripts: { demo: "node demo.js" } }),
    "README.md":
      "# Read me\n\nSee [how](docs/how.md#the-long-way), `docs/how.md`.\n\n```sh\nnpm run demo\n```\n",
    "docs/how.md":
      "# How\n\n## The long way\n\nBack to the [start](../README.md), or [out](https://example.com/).\n",
    "docs/reference/errors.md": await readFile(join(repository, "docs/reference/errors.md"), "utf8"),
    "docs/errors.md": "# Errors\n",
    ".changes/README.md": "# Fragments\n",
    ".changes/fixed.a-thing.md": "A thing is fixed.\n",
  };
}

async function checkDocuments(changes: Files): Promise<Outcome> {
  return runScript("tools/check-docs.mjs", [await writeTree({ ...(await soundDocuments()), ...changes })]);
}

const block = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\`\n`;

const configuration = `publicOrigin: https://portal.example.com
tenant:
  origin: https://acme.eu.qlikcloud.com
  signingKeys: [{ issuer: acme, keyId: one, privateKeyFile: keys/private-key.pem }]
identity: { trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email } }`;

const soundHowTo = [
  block("yaml", configuration),
  block("sh", "npx qlik-session-proxy validate -c proxy.yaml\nqlik-session-proxy serve -c proxy.yaml"),
  block("js", 'await fetch("/qlik/_session");'),
  block(
    "ts",
    'import { SessionProxyError } from "qlik-session-proxy/errors";\nnew SessionProxyError("QSP-BUSY");',
  ),
  block("nginx deploy/door.conf", "listen 443;\nserver_name a;"),
  block("sh not-run", "systemctl start everything"),
].join("\n");

const howTo = (text: string): Files => ({
  "docs/how-to/a.md": `# A\n\n${text}`,
  "deploy/door.conf": "server {\n  listen 443;\n  server_name a;\n}\n",
});

/** What a how-to must not show, and what is said of it. */
const howTos: readonly (readonly [what: string, changes: Files, problem: string])[] = [
  [
    "a command that fails",
    howTo(block("sh", "true\nqlik-session-proxy validate -c gone.yaml\ntrue")),
    "docs/how-to/a.md: a command fails (1)",
  ],
  [
    "a server that does not start",
    howTo(
      `${block("yaml", configuration)}${block("sh", "qlik-session-proxy serve -c proxy.yaml --prefix x")}`,
    ),
    "docs/how-to/a.md: a command fails (1)",
  ],
  [
    "a script with a mistake",
    howTo(block("js", "const = 1;")),
    "docs/how-to/a.md: a script is not JavaScript",
  ],
  [
    "an excerpt that the file does not have",
    howTo(block("nginx deploy/door.conf", "listen 443;\nserver_name b;")),
    "docs/how-to/a.md: an excerpt is not in deploy/door.conf any more",
  ],
  [
    "a block that nothing tries",
    howTo(block("bash", "true")),
    "docs/how-to/a.md: a block of bash is not tried",
  ],
];

// It starts the commands that documents show, one after the other.
describe("tools/check-docs.mjs", { timeout: 60_000 }, () => {
  test("finds nothing in sound documents", async () => {
    expect(await checkDocuments(howTo(soundHowTo))).toEqual({ status: 0, output: "" });
  });

  const faults: readonly (readonly [what: string, changes: Files, problem: string])[] = [
    [
      "a link to a file that does not exist",
      { "docs/how.md": "## The long way\n\n[away](gone.md)\n" },
      "docs/how.md links to gone.md, which does not exist",
    ],
    [
      "a picture that does not exist",
      { "docs/how.md": "## The long way\n\n![chart](images/chart.png)\n" },
      "docs/how.md links to images/chart.png",
    ],
    [
      "a link to a heading that does not exist",
      { "docs/how.md": "# The short way\n" },
      "README.md links to docs/how.md#the-long-way, but docs/how.md has no such heading",
    ],
    [
      "a file that is named and does not exist",
      { "docs/how.md": "## The long way\n\nIt is in `src/proxy/gone.ts`.\n" },
      "docs/how.md names src/proxy/gone.ts, which does not exist",
    ],
    [
      "a test that is named and does not exist",
      {
        "docs/how.md": '## The long way\n\nShown by `test/a.test.ts` "counts to two".\n',
        "test/a.test.ts": 'test("counts to three", () => {});\n',
      },
      'docs/how.md: test/a.test.ts has no test "counts to two"',
    ],
    [
      "a script that package.json does not have",
      { "docs/how.md": "## The long way\n\nTry `npm run show`.\n" },
      "docs/how.md: npm run show is not a script of package.json",
    ],
    [
      "a decision record that is too long",
      { "docs/decisions/0001-long.md": "line\n".repeat(81) },
      "docs/decisions/0001-long.md has 81 lines, more than 80",
    ],
    [
      "a decision record that the list does not have",
      { "docs/decisions/0001-lost.md": "# 0001 Lost\n" },
      "docs/decisions/0001-lost.md is not in docs/decisions/README.md",
    ],
    [
      "a change fragment without a kind",
      { ".changes/a-thing.md": "A thing.\n" },
      ".changes/a-thing.md: the name is not <kind>.<slug>.md",
    ],
    [
      "a generated page that was edited by hand",
      { "docs/reference/errors.md": "# Errors\n" },
      "docs/reference/errors.md is not current",
    ],
    [
      "a page of the configuration that was edited by hand",
      { "docs/reference/configuration.md": "# Configuration\n" },
      "docs/reference/configuration.md is not current: run node tools/gen-config-doc.mjs",
    ],
    [
      "a document that the index does not have",
      { "docs/README.md": "# Documents\n\n[how](how.md), [errors](errors.md)\n" },
      "docs/reference/errors.md is not in docs/README.md",
    ],
    ...howTos,
    [
      "an example that does not compile",
      {
        "docs/how.md":
          '## The long way\n\n```ts\nimport { SessionProxyError } from "qlik-session-proxy/errors";\nnew SessionProxyError("QSP-NONSENSE");\n```\n',
      },
      `"QSP-NONSENSE"' is not assignable`,
    ],
    [
      "a configuration that validate refuses",
      { "docs/how.md": "## The long way\n\n```yaml\nlisten: everywhere\n```\n" },
      "docs/how.md: a configuration does not pass validate",
    ],
  ];

  test.each(faults)("reports %s", async (_what, changes, problem) => {
    const { status, output } = await checkDocuments(changes);
    expect(output).toContain(problem);
    expect(status).toBe(1);
  });
});

describe("tools/check-facts.mjs", () => {
  // The citations stand in quotes here, so that they are not citations of this file.
  const [facts, rules, attacks, product] = ["facts", "rules", "attacks", "product"];

  async function checkFacts(source: string): Promise<Outcome> {
    const folder = await writeTree({
      "docs/facts/qlik-cloud.md": "# Facts\n\n## 2. Login\n\n### 2.1 Request\n\n### 2.2 Cookies\n",
      "docs/explain/rules.md": "# Rules\n\n## R1 Sessions\n",
      "docs/explain/attacks.md": "# Attacks\n\n- **W1** A foreign origin.\n",
      "docs/explain/product.md": "## A. Purpose\n\n### B1. Command\n\n## C. Behaviour\n\n1. **One door.**\n",
      "src/a.ts": source,
      "test/a.ts": "",
    });
    return runScript("tools/check-facts.mjs", [folder]);
  }

  test("finds every citation of this repository among the headings", async () => {
    expect(await runScript("tools/check-facts.mjs")).toEqual({ status: 0, output: "" });
  });

  test.each([
    `// ${facts} §2.2`,
    `/** See ${facts} §2, §2.1 */`,
    `/**\n * As ${facts}\n * §2.1 says.\n */`,
    "// §9 of a book",
    `// ${rules} R1`,
    `// ${attacks} W1`,
    `// ${product} A, ${product} B1, ${product} C1`,
    `// the ${product} A-Team sells; A ${product} Catalogue`,
    `// ${rules} apply; R9 is a road`,
  ])("passes %j", async (source) => {
    expect(await checkFacts(source)).toEqual({ status: 0, output: "" });
  });

  test.each([
    `// ${facts} §2.3`,
    `// ${facts} §2.1, §2.3`,
    `// ${facts} §2.1 and §2.3`,
    `/**\n * ${facts}\n * §2.3\n */`,
  ])("reports %j", async (source) => {
    const { status, output } = await checkFacts(source);
    expect(output).toContain("src/a.ts cites facts §2.3, which is not in");
    expect(status).toBe(1);
  });

  test.each([
    [`// ${rules} R1, R2`, "rules R2, which is not in docs/explain/rules.md"],
    [`// ${attacks} W1, W2`, "attacks W2, which is not in docs/explain/attacks.md"],
    [`// ${product} C1, ${product} C2`, "product C2, which is not in docs/explain/product.md"],
  ])("reports %j", async (source, problem) => {
    expect(await checkFacts(source)).toEqual({ status: 1, output: `src/a.ts cites ${problem}\n` });
  });
});
