import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerConfig } from "../../src/server/config/load.ts";
import { type ConfigFolder, createConfigFolder, loaded, rightConfig } from "../config/config-folder.ts";
import { deployFile, loadDeployConfig, longestStop, readDeployFile, readYaml } from "./deploy-files.ts";

let folder: ConfigFolder;
/** A server that says nothing of how long its drain may take. */
let usual: ServerConfig;
beforeAll(() => {
  folder = createConfigFolder();
  usual = loaded({ file: folder.write("config.yaml", rightConfig) }).config;
});
afterAll(() => folder.remove());

const seconds = (text: string | undefined): number => Number(/^(\d+)s$/.exec(text ?? "")?.[1]);

describe("the unit of systemd", () => {
  const unit = readDeployFile("systemd/qlik-session-proxy.service");
  const valuesOf = (key: string): readonly string[] =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);

  /** Runs systemd-analyze on the unit, with a program that this machine has. */
  function analyze(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
    const units = mkdtempSync(join(tmpdir(), "qsp-unit-"));
    const file = join(units, "qlik-session-proxy.service");
    writeFileSync(file, unit.replaceAll("/usr/bin/node", process.execPath));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", [...args, file], { encoding: "utf8" });
    rmSync(units, { recursive: true });
    return { status, output: `${stdout}${stderr}` };
  }

  test("is understood by systemd, every line", () => {
    expect(analyze("verify")).toEqual({ status: 0, output: "" });
  });

  test("leaves the service next to nothing, as systemd judges", () => {
    // In tenths: below 2.0, where a unit that says nothing has 9.6.
    const { status, output } = analyze("security", "--offline=true", "--threshold=20", "--no-pager");
    expect([status, /exposure level for \S+: [\d.]+ \w+/.exec(output)?.[0]]).toEqual([0, expect.any(String)]);
  });

  test("gives a drain its time, and does not kill what drains", () => {
    expect(seconds(valuesOf("TimeoutStopSec")[0])).toBeGreaterThanOrEqual(longestStop(usual));
    expect(valuesOf("KillMode")).toEqual(["mixed"]);
  });

  test("checks the configuration before it serves it", () => {
    const [check, serve] = [...valuesOf("ExecStartPre"), ...valuesOf("ExecStart")];
    expect(check?.replace(" validate ", " serve ")).toBe(serve);
  });
});

interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: {
    readonly default: { readonly ipam: { readonly config: readonly { readonly subnet: string }[] } };
  };
  readonly volumes: Readonly<Record<string, unknown>>;
}

describe("the sample of compose", () => {
  const { services, networks, volumes } = readYaml("compose.yaml") as Compose;
  const proxy = services["proxy"] ?? {};

  test("has a right configuration, of the kind that is never for production", () => {
    const { options } = loadDeployConfig("sample/proxy.yaml", folder);
    expect(options.unsafe).toEqual({ plainHttpTenant: true, plainHttpPublic: true });
    const [subnet] = networks.default.ipam.config;
    expect(options.trustedProxies).toEqual([subnet?.subnet]);
  });

  test("mounts files and volumes that are there", () => {
    for (const mount of Object.values(services).flatMap((service) => service.volumes ?? [])) {
      const [source = ""] = mount.split(":");
      expect([source, source.startsWith("./") ? existsSync(deployFile(source)) : source in volumes]).toEqual([
        source,
        true,
      ]);
    }
    const { context = "", dockerfile = "" } = proxy.build ?? {};
    expect(existsSync(join(dirname(deployFile("compose.yaml")), context, dockerfile))).toBe(true);
  });

  test("waits for services that there are, and are checked", () => {
    const awaited = Object.values(services).flatMap(({ depends_on = {} }) => Object.entries(depends_on));
    expect(awaited.length).toBeGreaterThan(5);
    for (const [name] of awaited) expect(Object.keys(services)).toContain(name);
    for (const [name, { condition }] of awaited.filter(([, how]) => how.condition === "service_healthy"))
      expect([name, condition, services[name]?.healthcheck?.test?.length]).not.toContain(undefined);
  });

  test("gives a drain its time", () => {
    expect(seconds(proxy.stop_grace_period)).toBeGreaterThanOrEqual(longestStop(usual));
  });

  test("is read-only, without capabilities, and reached from this machine alone", () => {
    for (const [name, { read_only, cap_drop, ports = [] }] of Object.entries(services)) {
      expect([name, read_only, cap_drop]).toEqual([name, true, ["ALL"]]);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });
});
