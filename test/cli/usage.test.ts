import { describe, expect, test } from "vitest";
import { runCommand } from "./command.ts";

const verbs = [
  "demo",
  "serve",
  "sessions",
  "health",
  "validate",
  "explain",
  "keygen",
  "emulate",
  "init",
  "doctor",
];

describe("wrong usage", () => {
  test.each([
    ["no verb", [], "say what to do"],
    ["an unknown verb", ["sreve"], "did you mean serve?"],
    ["nothing to look at", ["doctor"], "doctor needs a configuration: -c FILE"],
    ["an unknown flag", ["demo", "--prot", "1"], "--prot"],
    ["an unknown key as a flag", ["serve", "--prefx", "/a"], "did you mean --prefix?"],
    ["no configuration", ["serve"], "-c FILE"],
    ["a port that is none", ["demo", "--port", "http"], "--port must be a number"],
    ["an algorithm that is not made", ["keygen", "--alg", "none"], "--alg must be RS256, RS512, ES384"],
    ["nobody who answers", ["init"], "give --tenant, or --yes"],
    ["a watch that is no time", ["doctor", "-c", "x", "--learn", "--watch", "1"], "--watch must be"],
    ["an argument that is no flag", ["validate", "config.yaml"], "without a flag before it"],
    ["nothing to explain", ["explain", "-c", "x"], "explain takes METHOD and URL"],
    ["an unknown method", ["explain", "-c", "x", "GOT", "/a"], "METHOD must be an HTTP method"],
    ["a URL that is none", ["explain", "-c", "x", "GET", "a/b"], "URL must be a path such as"],
    ["a URL with a user name", ["explain", "-c", "x", "GET", "https://a@b/c"], "URL must be a path such as"],
    ["a method in small letters", ["explain", "-c", "x", "get", "/a"], "in capitals"],
    ["a peer that is none", ["explain", "-c", "x", "GET", "/a", "--peer", "b"], "--peer must be an address"],
    [
      "an origin that is none",
      ["explain", "-c", "x", "GET", "/a", "--origin", ""],
      "--origin must be an origin",
    ],
    ["a header that is none", ["explain", "-c", "x", "GET", "/a", "--header", "b"], "--header must be"],
    [
      "a plain request that is a socket",
      [
        "explain",
        "-c",
        "x",
        "GET",
        "/a",
        "--header",
        "Connection: Upgrade",
        "--header",
        "Upgrade: websocket",
      ],
      "ask with UPGRADE",
    ],
    ["a flag that is none", ["explain", "-c", "x", "GET", "/a", "--orgin", "b"], "unknown option --orgin"],
    ["no configuration to explain by", ["explain", "GET", "/a"], "explain needs a configuration: -c FILE"],
  ])("exits 2 with a hint in one line: %s", async (_what, args, hint) => {
    const { code, stdout, stderr } = await runCommand(args);
    expect(stderr).toContain(hint);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

describe("--help", () => {
  test("of the program names every verb", async () => {
    const { code, stdout } = await runCommand(["--help"]);
    for (const verb of verbs) expect(stdout).toContain(`\n  ${verb} `);
    expect(code).toBe(0);
  });

  test.each(verbs)("of %s tells how it is used", async (verb) => {
    const { code, stdout } = await runCommand([verb, "--help"]);
    expect(stdout).toContain(`Usage: qlik-session-proxy ${verb}`);
    expect(code).toBe(0);
  });
});

test("--version is the package's", async () => {
  const { code, stdout } = await runCommand(["--version"]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(code).toBe(0);
});

test.each(["demo", "emulate"])("%s does not run in production", async (verb) => {
  const { code, stdout, stderr } = await runCommand([verb], { NODE_ENV: "production" });
  expect(stderr).toContain("NODE_ENV=production");
  expect(stdout).toBe("");
  expect(code).toBe(1);
});
