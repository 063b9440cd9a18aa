import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** How a program ended. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of somebody who has installed the package. */
export interface Installed {
  readonly folder: string;
  /** Paths of the files in the tarball. */
  readonly files: readonly string[];
  /** Runs a program there. */
  run(program: string, args: readonly string[]): Promise<Ran>;
  write(path: string, text: string): void;
  remove(): void;
}

/** The surroundings of a program: none of what npm or a test runner has set for us. */
const surroundings = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:QSP_|VITEST|NODE_|npm_package_|npm_lifecycle_)/.test(name),
    ),
  );

async function runIn(cwd: string, program: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(program, args, { cwd, env: surroundings(), stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { status, stdout, stderr };
}

async function succeed(ran: Promise<Ran>): Promise<string> {
  const { status, stdout, stderr } = await ran;
  if (status !== 0) throw new Error(`exit status ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/**
 * Packs the last build and installs the tarball as a user does; npm takes what the tarball needs from its cache, where the
 * installation of this repository has put it. `types` are packages whose declarations the user has: theirs are ours.
 */
export async function installPackage(types: readonly string[]): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), "qsp-installed-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  try {
    const packed = await succeed(
      runIn(repository, "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]),
    );
    const report = Object.values(JSON.parse(packed) as Record<string, PackReport>)[0] as PackReport;
    write("package.json", JSON.stringify({ name: "sample", private: true }));
    const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"];
    await succeed(runIn(folder, "npm", ["install", "--prefer-offline", ...quiet, `./${report.filename}`]));
    for (const name of types) {
      const place = join(folder, "node_modules", name);
      if (existsSync(place)) continue;
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(join(repository, "node_modules", name), place);
    }
    const samples = fileURLToPath(new URL("sample/", import.meta.url));
    for (const name of readdirSync(samples)) copyFileSync(join(samples, name), join(folder, name));
    return {
      folder,
      files: report.files.map(({ path }) => path),
      run: (program, args) => runIn(folder, program, args),
      write,
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

interface PackReport {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
