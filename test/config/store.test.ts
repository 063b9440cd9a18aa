import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ConfigFolder,
  createConfigFolder,
  loaded,
  problemsOf,
  rightConfig,
  storeOf,
} from "./config-folder.ts";

const secret = "a-secret-of-thirty-two-bytes-or-so";
const url = "redis://proxy:a-password@redis.example.com";

let folder: ConfigFolder;
let plain: string;
beforeAll(() => {
  folder = createConfigFolder();
  plain = folder.write("plain.yaml", rightConfig);
  folder.write("secret", secret);
  folder.write("store", `${url}\n`);
});
afterAll(() => folder.remove());

/** A file with these keys of the session. */
const withSession = (keys: string): string =>
  folder.write("session.yaml", `${rightConfig}session: { ${keys} }\n`);

const storeFrom = (sources: Parameters<typeof loaded>[0]): unknown => storeOf(loaded(sources).config);

describe("session.store", () => {
  test.each([
    ["memory", "memory"],
    ["redis+sentinel://a,b,c/name", "redis+sentinel://a,b,c/name"],
    ["file:/var/lib/qsp", "file:/var/lib/qsp"],
    ["file:///var/lib/qsp", "file:///var/lib/qsp"],
  ])("%s goes to the proxy as %s", (text, store) => {
    expect(storeFrom({ file: withSession(`secretFile: secret, store: "${text}"`) })).toBe(store);
  });

  test("is a folder beside the file that names it, else in the working directory", () => {
    expect(storeFrom({ file: withSession("secretFile: secret, store: file:state") })).toBe(
      `file:${join(folder.path, "state")}`,
    );
    const environment = { QSP_SESSION_STORE: "file:state", QSP_SESSION_SECRET: secret };
    expect(loaded({ file: plain, environment }).config.options.store).toBe("file:state");
    expect(resolve("state")).not.toBe(join(folder.path, "state"));
  });

  test("needs a secret that outlives the process, unless it is memory", () => {
    expect(problemsOf({ file: withSession("store: file:state") })).toEqual([
      "session.secretFile: is missing: it seals what the store holds; openssl rand -base64 32 makes one",
    ]);
    expect(problemsOf({ file: withSession("store: memory") })).toEqual([]);
  });

  test("may come from a file of its own, since a URL may hold a password", () => {
    expect(storeFrom({ file: withSession("secretFile: secret, storeFile: store") })).toBe(url);
    const environment = {
      QSP_SESSION_STORE_FILE: join(folder.path, "store"),
      QSP_SESSION_SECRET_FILE: join(folder.path, "secret"),
    };
    expect(storeFrom({ file: plain, environment })).toBe(url);
  });

  test("given twice is refused", () => {
    expect(problemsOf({ file: withSession("secretFile: secret, store: memory, storeFile: store") })).toEqual([
      "session.store: is given more than once: in session.store and session.storeFile",
    ]);
    const environment = { QSP_SESSION_STORE_FILE: join(folder.path, "store") };
    expect(problemsOf({ file: withSession("secretFile: secret, store: memory"), environment })).toEqual([
      "session.store: is given more than once: in session.store and QSP_SESSION_STORE_FILE",
    ]);
  });

  test("follows precedence: flag, variable, file", () => {
    const file = withSession("secretFile: secret, store: memory");
    const environment = { QSP_SESSION_STORE: "redis://variable" };
    expect(storeFrom({ file, environment })).toBe("redis://variable");
    expect(storeFrom({ file, environment, flags: { "session.store": ["redis://flag"] } })).toBe(
      "redis://flag",
    );
  });

  test("names the place where it is wrong, and never itself", () => {
    folder.write("wrong-store", "reddis://:hunter2@host\n");
    const [problem, ...others] = problemsOf({ file: withSession("storeFile: wrong-store") });
    expect(problem).toMatch(/^session\.storeFile: must be memory, file:DIR, redis:/);
    expect([problem, ...others].join()).not.toContain("hunter2");
    expect(others).toEqual([]);
  });

  test("with a password is warned of on the command line and in a file for everybody", () => {
    const environment = { QSP_SESSION_SECRET: secret };
    expect(loaded({ file: plain, environment, flags: { "session.store": [url] } }).warnings).toEqual([
      {
        path: "session.store",
        message:
          "--session.store shows the secret to everybody who can list processes: use --session.store-file",
      },
    ]);
    folder.write("open-store", url, 0o644);
    expect(loaded({ file: withSession("secretFile: secret, storeFile: open-store") }).warnings).toEqual([
      {
        path: "session.storeFile",
        message: `${join(folder.path, "open-store")} may be read by every user: chmod 600`,
      },
    ]);
    const flags = { "session.store": ["redis://host"] };
    expect(loaded({ file: plain, environment, flags }).warnings).toEqual([]);
  });
});

describe("session.storeCaFile", () => {
  test("that is no certificate is named", () => {
    const file = withSession("secretFile: secret, store: rediss://h, storeCaFile: key.pem");
    expect(problemsOf({ file })).toEqual(["session.storeCaFile: is not a certificate in PEM"]);
  });
});
