import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repository } from "../architecture/fixture-tree.ts";
import type { TenantEmulator } from "../../src/emulator.ts";
import { testKey } from "./stack.ts";

/** A clone with nothing in it but the built package and examples: what a reader has who follows their README. */
export interface ExampleClone {
  /** Installs what an example needs, as its lock file says; a second call waits for the first. */
  install(name: string): Promise<void>;
  /** Starts an installed example; resolves with its origin, when it has said where it listens. */
  start(name: string, variables: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
}

type Variables = Readonly<Record<string, string>>;

/** What has been installed or built in the working tree stays there. */
const isSource = (path: string): boolean => !/[\\/](?:node_modules|\.next|keys|dist)$/.test(path);

/** What it is told of this process's surroundings: nothing that would configure it. */
const surroundings = (variables: Variables): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:QSP_|QLIK_|NODE_ENV$|VITEST|npm_)/.test(name)),
  ),
  npm_config_update_notifier: "false",
  ...variables,
});

/** A group of processes of its own: npm, a shell, the example. */
function startNpm(folder: string, args: readonly string[], variables: Variables) {
  const child = spawn("npm", args, {
    cwd: folder,
    env: surroundings(variables),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const said: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const ended = once(child, "close") as Promise<[code: number | null]>;
  const kill = (): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, "SIGKILL");
  };
  process.on("exit", kill);
  void ended.then(() => process.off("exit", kill));
  return { child, ended, kill, said };
}

async function runNpm(folder: string, args: readonly string[], variables: Variables): Promise<void> {
  const { child, ended, said } = startNpm(folder, args, variables);
  child.stdout.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const [code] = await ended;
  if (code !== 0) throw new Error(`npm ${args.join(" ")} in ${folder} ended with ${code}:\n${said.join("")}`);
}

/** Installs what the lock file of a folder says. */
export const installLocked = (folder: string): Promise<void> =>
  runNpm(folder, ["ci", "--prefer-offline"], {});

/** A process that is on its way to be an example that listens. */
function startExample(folder: string, variables: Variables) {
  const { child, ended, kill, said } = startNpm(folder, ["start", "--silent"], { PORT: "0", ...variables });
  // What builds before it starts may say something first.
  const listens = new Promise<string>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      said.push(`${line}\n`);
      if (line.startsWith("http://")) resolve(line);
    });
  });
  return {
    origin: Promise.race([
      listens,
      ended.then((): never => {
        throw new Error(`${folder} does not start:\n${said.join("")}`);
      }),
    ]),
    async close() {
      kill();
      await ended;
    },
  };
}

/** Makes a folder like a clone in which `npm ci && npm run build` has run; its examples know this tenant. */
export async function cloneExamples(
  names: readonly string[],
  { origin, certificate = "" }: Pick<TenantEmulator, "origin" | "certificate">,
): Promise<ExampleClone> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-examples-"));
  const [keyFile, caFile] = [join(folder, "key.pem"), join(folder, "tenant.pem")];
  await writeFile(keyFile, testKey.privateKey);
  await writeFile(caFile, certificate);
  await cp(join(repository, "package.json"), join(folder, "package.json"));
  await symlink(join(repository, "dist"), join(folder, "dist"));
  await mkdir(join(folder, "examples"));
  for (const name of ["sample", ...names])
    await cp(join(repository, "examples", name), join(folder, "examples", name), {
      recursive: true,
      filter: isSource,
    });
  const installs = new Map<string, Promise<void>>();
  const started: { close(): Promise<void> }[] = [];
  const at = (name: string): string => join(folder, "examples", name);
  const known = {
    QLIK_TENANT: origin,
    QLIK_TENANT_CA_FILE: caFile,
    QLIK_PRIVATE_KEY_FILE: keyFile,
    QLIK_ISSUER: testKey.issuer,
    QLIK_KEY_ID: testKey.keyId,
  };
  return {
    install(name) {
      const install = installs.get(name) ?? installLocked(at(name));
      installs.set(name, install);
      return install;
    },
    start(name, variables) {
      const app = startExample(at(name), { ...known, ...variables });
      started.push(app);
      return app.origin;
    },
    async remove() {
      await Promise.allSettled(installs.values());
      for (const app of started) await app.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
