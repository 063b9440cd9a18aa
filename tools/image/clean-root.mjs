// A folder that looks like the base of the image: Debian made by debootstrap, Node and npm from the npm registry.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Runs a program; throws with its words when it fails. Returns what it printed. */
export function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (status === 0) return stdout;
  const words = error?.message ?? `${stdout}${stderr}`.trim().split("\n").slice(-15).join("\n");
  throw new Error(`${program} ${args.slice(0, 3).join(" ")} …: ${words}`);
}

/** What a machine must have; the lines that say what is missing, none when all is there. */
export function missingForRoots() {
  if (process.platform !== "linux") return ["this is no Linux"];
  if (process.getuid() !== 0) return ["not root: a root of its own needs mounts"];
  const programs = { debootstrap: "debootstrap", unshare: "util-linux", setpriv: "util-linux" };
  const missing = Object.entries(programs).flatMap(([program, name]) =>
    spawnSync(program, ["--version"]).error === undefined ? [] : [`no ${program}: apt-get install ${name}`],
  );
  if (missing.length > 0) return missing;
  const { status } = spawnSync("unshare", ["--mount", "--pid", "--fork", "true"]);
  return status === 0 ? [] : ["this process may not make mounts of its own (a container without the right?)"];
}

/** The mirror that this machine itself installs from. */
function debianMirror() {
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const texts = [...files, "/etc/apt/sources.list"]
    .filter(existsSync)
    .map((file) => readFileSync(file, "utf8"));
  const found = /(?:^URIs:\s*|^deb\s+(?:\[[^\]]*\]\s+)?)(https?:\/\/\S+)/m.exec(texts.join("\n"));
  return found?.[1] ?? "http://deb.debian.org/debian";
}

/** Reads `node:24-bookworm-slim`: which Node, on which Debian. */
export function readBase(base) {
  const [, node, suite] = /^node:(\d+(?:\.\d+)*)-([a-z]+)-slim$/.exec(base) ?? [];
  if (node === undefined) throw new Error(`cannot make a root like ${base}, only like node:N-SUITE-slim`);
  return { node, suite };
}

/** Makes Debian alone. */
export function makeDebian(folder, suite) {
  run("debootstrap", ["--variant=minbase", "--include=ca-certificates", suite, folder, debianMirror()]);
}

/** Adds Node and npm where the official image has them. Returns their versions. */
export function addNode(root, major) {
  const local = join(root, "usr/local");
  const modules = join(local, "lib/node_modules");
  mkdirSync(join(local, "bin"), { recursive: true });
  mkdirSync(modules, { recursive: true });
  const platform = `node-linux-${process.arch}`;
  const fetched = join(root, "tmp/node");
  mkdirSync(fetched, { recursive: true });
  const npm = (...args) =>
    run("npm", [...args, "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: fetched });
  npm("install", "--prefix", fetched, `${platform}@${major}`, "npm@11");
  run("cp", [join(fetched, "node_modules", platform, "bin/node"), join(local, "bin/node")]);
  run("cp", ["-a", join(fetched, "node_modules/npm"), modules]);
  for (const name of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
  run("rm", ["-rf", fetched]);
  return run(join(local, "bin/node"), ["--version"]).trim();
}
