import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder, rightConfig } from "../config/config-folder.ts";
import { runCommand } from "./command.ts";

let folder: ConfigFolder;
let file: string;
const secret = "a-secret-of-the-store-of-thirty-two-bytes";
beforeAll(() => {
  folder = createConfigFolder();
  file = folder.write(
    "config.yaml",
    `${rightConfig}
allowedOrigins: [https://app.example.com]
session: { store: "file:sessions", secret: ${secret} }
policy: { presets: [embed, embed-write], allow: ["GET /api/v1/spaces/**"], deny: ["/api/v1/spaces/secret"] }
`,
  );
});
afterAll(() => folder.remove());

const explain = (...args: readonly string[]) => runCommand(["explain", "-c", file, ...args]);

describe("explain", () => {
  test("says which rule lets a request through, who may send it, what is sent and what comes back", async () => {
    const { code, stdout, stderr } = await explain("GET", "/qlik/api/v1/items?limit=2");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("GET /qlik/api/v1/items: forwarded to https://acme.eu.qlikcloud.com\n");
    expect(stdout).toContain("\nRule   GET,HEAD /api/v1/items/** (preset embed)\n");
    expect(stdout).toContain("\nClass  rest, for somebody who is signed in\n");
    expect(stdout).toMatch(/\n {2}a fetch of your page +passes +row 7: the same origin\n/);
    expect(stdout).toMatch(/\n {2}a fetch of https:\/\/app\.example\.com +passes +row 8: a listed origin\n/);
    expect(stdout).toMatch(
      /\n {2}an image or script on https:\/\/app\.example\.com +passes +row 9: a sibling/,
    );
    expect(stdout).toMatch(
      /\n {2}a fetch of another site +403 QSP-CROSS-SITE +row 6: an origin that is not on the list\n/,
    );
    expect(stdout).toContain("\n  GET /api/v1/items?limit=2\n  host: acme.eu.qlikcloud.com\n");
    expect(stdout).toContain("\n  cookie: ***\n");
    expect(stdout).toContain("content-security-policy: sandbox; default-src 'none'");
  });

  test("names the operator's own lines by their place", async () => {
    const allowed = await explain("GET", "/qlik/api/v1/spaces/one");
    expect([allowed.code, allowed.stdout]).toEqual([0, expect.stringContaining("(policy.allow[0])")]);
    const denied = await explain("GET", "/qlik/api/v1/spaces/%73ecret");
    expect([denied.code, denied.stdout.split("\n")]).toEqual([
      1,
      [
        "GET /qlik/api/v1/spaces/%73ecret: refused with 404 QSP-POLICY",
        "",
        "Why    A deny rule applies.",
        "Path   /api/v1/spaces/%73ecret, as rules see it",
        "Rule   /api/v1/spaces/secret (policy.deny[0])",
        "",
      ],
    ]);
    const never = await explain("UPGRADE", "/qlik/logout");
    expect([never.code, never.stdout]).toEqual([1, expect.stringContaining("(never forwarded)")]);
  });

  test.each([
    [
      "a method that no rule has",
      ["POST", "/qlik/api/v1/items"],
      "404 QSP-POLICY",
      "No rule allows this method",
    ],
    ["dots", ["GET", "/qlik/api/v1/items/%2e%2e/users"], "400 QSP-TARGET", "once its escapes are undone"],
    ["a path that is not ours", ["GET", "/api/v1/items"], "404 QSP-POLICY", "not below /qlik"],
    ["another host", ["GET", "https://other.example/qlik/api/v1/items"], "421 QSP-TARGET", "row 0"],
    [
      "another site",
      ["GET", "/qlik/api/v1/items", "--origin", "https://evil.example"],
      "403 QSP-CROSS-SITE",
      "row 6",
    ],
    [
      "a socket of another site",
      ["UPGRADE", "/qlik/app/x", "--origin", "https://evil.example"],
      "403 QSP-CROSS-SITE",
      "row 3",
    ],
    [
      "a handshake of another version",
      ["UPGRADE", "/qlik/app/x", "--header", "Sec-WebSocket-Version: 8"],
      "426 QSP-TARGET",
      "Sec-WebSocket-Version is not 13",
    ],
  ])("exits 1 where it is refused: %s", async (_what, args, status, why) => {
    const { code, stdout } = await explain(...args);
    expect(stdout.split("\n", 1)[0]).toContain(`refused with ${status}`);
    expect(stdout).toContain(why);
    expect(stdout).not.toContain("What the tenant gets");
    expect(code).toBe(1);
  });

  test("exits 0 where the proxy answers itself", async () => {
    const { code, stdout } = await explain("DELETE", "/qlik/_session");
    expect([code, stdout]).toEqual([0, expect.stringContaining("answered by the proxy itself")]);
    expect(stdout).toContain("own route: session");
  });

  test("takes a whole URL, of a socket too, and reads its path as it stands", async () => {
    const socket = await explain("UPGRADE", "wss://PORTAL.example.com:443/qlik/app/a%2Fb?reloadUri=x&");
    expect([socket.code, socket.stdout]).toEqual([
      0,
      expect.stringContaining("\n  GET /app/a%2Fb?reloadUri=x&qlik-csrf-token=***\n"),
    ]);
    const dots = await explain("GET", "https://portal.example.com/qlik/../qlik/api/v1/items");
    expect([dots.code, dots.stdout]).toEqual([1, expect.stringContaining("a segment of dots")]);
  });

  test("says which of the given headers stay here, and shows nothing of them", async () => {
    const { code, stdout } = await explain(
      "GET",
      "/qlik/api/v1/items?accessToken=token-of-mine&qlik-csrf-token=token-of-mine",
      ...[
        "Authorization: Bearer token-of-mine",
        "Cookie: a=token-of-mine",
        "X-User-Sub: token-of-mine",
      ].flatMap((header) => ["--header", header]),
      "--header",
      "X-Kept: kept",
      "--header",
      "Accept-Language:",
    );
    expect(code).toBe(0);
    expect(stdout).toContain("\n  x-kept: kept\n");
    expect(stdout).toMatch(/\n {2}left out: .*Authorization, Cookie, X-User-Sub\n/);
    expect(stdout).not.toMatch(/token-of-mine|accept-language/i);
    expect(stdout).not.toContain(secret);
  });

  test.each([[[]], [["--json"]]])(
    "prints what was typed where it travels, and nothing of the configuration: %j",
    async (flags) => {
      const key = readFileSync(join(folder.path, "key.pem"), "utf8").split("\n")[1] ?? "";
      const { stdout } = await explain(
        "GET",
        "/qlik/api/v1/items?apiKey=typed-1",
        "--header",
        "X-Api-Key: typed-2",
        ...flags,
      );
      expect(stdout).toMatch(/GET.*\/api\/v1\/items\?apiKey=typed-1/s);
      expect(stdout).toMatch(/x-api-key.*typed-2/is);
      expect(key).not.toBe("");
      for (const hidden of [secret, key]) expect(stdout).not.toContain(hidden);
    },
  );

  test("says in its help what is printed, and what is not judged", async () => {
    const { stdout } = await runCommand(["explain", "--help"]);
    expect(stdout).toMatch(/What you type is printed where it travels/);
    expect(stdout).toMatch(/431 beyond 64 KiB/);
  });

  test.each([
    ["in the place of the method", ["token-of-mine", "/qlik/api/v1/items"]],
    ["in the place of the URL", ["GET", "token-of-mine"]],
    ["in a URL with a password", ["GET", "https://me:token-of-mine@portal.example.com/qlik"]],
    ["in a header without a name", ["GET", "/a", "--header", "token-of-mine"]],
    ["in a header without quotes", ["GET", "/a", "--header", "Authorization:", "Bearer", "token-of-mine"]],
    ["in the place of the address", ["GET", "/a", "--peer", "token-of-mine"]],
  ])("repeats no secret that stands in the wrong place: %s", async (_where, args) => {
    const { code, stdout, stderr } = await explain(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).not.toContain("token-of-mine");
  });

  test("tells what the tenant hears of the client where a front door is named", async () => {
    const behind = ["--trusted-proxies", "10.0.0.0/8", "--header", "X-Forwarded-For: 198.51.100.7"];
    const direct = await explain("GET", "/qlik/api/v1/items", ...behind);
    expect(direct.stdout).toContain("\n  x-forwarded-for: 192.0.2.1\n");
    const through = await explain("GET", "/qlik/api/v1/items", ...behind, "--peer", "10.0.0.1");
    expect(through.stdout).toContain("\n  x-forwarded-for: 198.51.100.7\n");
    const unnamed = await explain("GET", "/qlik/api/v1/items", "--header", "X-Forwarded-For: 198.51.100.7");
    expect(unnamed.stdout).not.toMatch(/x-forwarded-for:/);
  });

  test("says of every sender what stops the request itself", async () => {
    const limited = ["--limits.request-body", "1KiB", "--header", "Content-Length: 2000"];
    const { code, stdout } = await explain("POST", "/qlik/api/v1/reports", ...limited);
    expect([code, stdout]).toEqual([1, expect.stringContaining("refused with 413 QSP-TOO-LARGE")]);
    expect(stdout).toMatch(/\n {2}a fetch of your page +413 QSP-TOO-LARGE/);
  });

  test("prints JSON for machines", async () => {
    const { code, stdout } = await explain("POST", "/qlik/api/v1/reports", "--json");
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { sent: { headers: unknown }; senders: unknown };
    expect(document).toMatchObject({
      method: "POST",
      outcome: "forwarded",
      path: "/api/v1/reports",
      policy: { rule: "GET,HEAD,POST /api/v1/reports/**", from: "preset embed-write" },
      taker: { kind: "tenant", routeClass: "rest", needsIdentity: true },
      sent: { origin: "https://acme.eu.qlikcloud.com", method: "POST", target: "/api/v1/reports" },
    });
    expect(document.sent.headers).toContainEqual(["qlik-csrf-token", "***"]);
    expect(document.senders).toContainEqual({
      who: "a form on another site",
      outcome: "refused",
      row: 6,
      code: "QSP-CROSS-SITE",
      status: 403,
    });
    const refused = await explain("GET", "/qlik/api/v1/users", "--json");
    expect([refused.code, JSON.parse(refused.stdout)]).toEqual([
      1,
      expect.objectContaining({
        outcome: "refused",
        refusal: { code: "QSP-POLICY", status: 404, reason: "No rule allows this path." },
        sent: null,
        answers: null,
      }),
    ]);
  });

  test("takes keys as flags, and refuses a wrong configuration as validate does", async () => {
    const root = await explain("GET", "/api/v1/items", "--prefix", "/");
    expect([root.code, root.stdout]).toEqual([
      0,
      expect.stringContaining("Path   /api/v1/items at the tenant"),
    ]);
    const wrong = await explain("GET", "/qlik/api/v1/items", "--prefix", "qlik");
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
      1,
      "",
      expect.stringContaining("prefix: must start"),
    ]);
  });

  test("opens no store", async () => {
    await explain("GET", "/qlik/api/v1/items");
    expect(existsSync(join(folder.path, "sessions"))).toBe(false);
  });
});
