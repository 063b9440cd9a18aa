import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../cli/command.ts";
import { repository } from "../architecture/fixture-tree.ts";
import { deployFile, readDeployFile, readYaml } from "./deploy-files.ts";

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

interface Stage {
  readonly base: string;
  readonly alias: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** What tools/dockerfile.mjs exports. */
interface DockerfileReader {
  readDockerfile(path: string): readonly Stage[];
  execForm(text: string): readonly string[] | null;
  lastOf(stage: Stage, name: string): string | undefined;
  readCopy(rest: string): {
    readonly from?: string;
    readonly sources: readonly string[];
    readonly target: string;
  };
  readHealthCheck(rest: string): {
    readonly options: Readonly<Record<string, string>>;
    readonly command: readonly string[] | null;
  };
}

let reader: DockerfileReader;
let stages: readonly Stage[];
let image: Stage;
beforeAll(async () => {
  reader = (await import(new URL("../../tools/dockerfile.mjs", import.meta.url).href)) as DockerfileReader;
  stages = reader.readDockerfile(deployFile("Dockerfile"));
  image = stages.at(-1) ?? { base: "", alias: undefined, instructions: [] };
});

const said = (name: string): string => reader.lastOf(image, name) ?? "";
const words = (name: string): readonly string[] => reader.execForm(said(name)) ?? [];

describe("the image", () => {
  test("is made in stages of one base with a version, of which only the last is shipped", () => {
    expect(stages.map(({ alias }) => alias)).toEqual(["build", "dependencies", undefined]);
    expect(new Set(stages.map(({ base }) => base)).size).toBe(1);
    expect(image.base).toMatch(/^node:\d+-bookworm-slim$/);
  });

  test("runs as a user that an orchestrator can see is not root, with npm gone", () => {
    expect(said("USER")).toMatch(/^[1-9]\d{4,}:[1-9]\d{4,}$/);
    const after = image.instructions.slice(image.instructions.findIndex(({ name }) => name === "USER"));
    expect(after.filter(({ name }) => name === "RUN" || name === "COPY")).toEqual([]);
    expect(image.instructions.find(({ name }) => name === "RUN")?.rest).toContain("/usr/local/bin/npm");
    expect(said("ENV")).toBe("NODE_ENV=production");
  });

  test("copies what exists and what the ignore file lets through, and nothing else is let through", () => {
    const named = stages
      .flatMap(({ instructions }) => instructions.filter(({ name }) => name === "COPY"))
      .map(({ rest }) => reader.readCopy(rest))
      .flatMap(({ from, sources }) => (from === undefined ? sources : []));
    for (const source of named)
      expect([source, existsSync(join(repository, source))]).toEqual([source, true]);
    const [first, ...let_through] = readDeployFile("Dockerfile.dockerignore")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(first).toBe("*");
    expect(let_through.toSorted()).toEqual([...new Set(named)].map((source) => `!${source}`).toSorted());
  });

  test("starts without a shell, so that signals reach the server", async () => {
    const [program, main, ...others] = words("ENTRYPOINT");
    expect([program, main, others]).toEqual(["node", `${said("WORKDIR")}/dist/cli/main.js`, []]);
    const [verb = "", ...flags] = words("CMD");
    expect([verb, ...flags]).toEqual(["serve", "-c", "/etc/qlik-session-proxy/proxy.yaml"]);
    expect((await runCommand([verb, "--help"])).code).toBe(0);
    expect(said("STOPSIGNAL")).toBe("SIGTERM");
  });

  test("is checked by the command itself, for being alive", () => {
    const { command } = reader.readHealthCheck(said("HEALTHCHECK"));
    expect(command).toEqual([
      ...words("ENTRYPOINT"),
      "health",
      "--live",
      "-c",
      "/etc/qlik-session-proxy/proxy.yaml",
    ]);
  });

  test("opens the ports of the examples", () => {
    for (const path of ["kubernetes/proxy.yaml", "sample/proxy.yaml"]) {
      const { listen, admin } = readYaml(path) as { listen: string; admin: { listen: string } };
      const ports = [listen, admin.listen].map((address) => address.split(":").at(-1));
      expect(ports.join(" ")).toBe(said("EXPOSE"));
    }
  });
});
