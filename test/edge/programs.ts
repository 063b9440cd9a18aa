import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../cli/command.ts";
import { deployFile, readDeployFile } from "../deploy/deploy-files.ts";

/** A program that listens on a port of this machine. */
export interface Program {
  readonly port: number;
  close(): Promise<void>;
}

/** What the documents put before the proxy. */
export interface Edge {
  readonly name: string;
  /** Starts it, with its file in deploy/ changed in addresses only. */
  start(ports: { readonly proxy: number; readonly portal: number }): Promise<Program>;
}

interface Plan {
  readonly port: number;
  readonly command: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

/** Starts a program; resolves when it listens. */
export async function startProgram({ port, command, variables = {}, folder }: Plan): Promise<Program> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
  const ended = once(child, "close");
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.on("exit", killAtExit);
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    process.off("exit", killAtExit);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  while (!(await listens(port))) {
    if (child.exitCode === null) await sleep(20);
    else {
      await close();
      throw new Error(`${program} has ended: ${said}`);
    }
  }
  return { port, close };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const isThere = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isThere;
}

/** Replaces what must be there. */
export function replaced(text: string, changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`${from} is not in the file any more`);
    return before.replaceAll(from, to);
  }, text);
}

/** What Debian's nginx.conf has around the files of conf.d, with everything that is written in a folder of ours. */
const nginxMain = (folder: string): string => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `  ${name}_temp_path ${folder}/${name};`).join("\n")}
  include ${folder}/qlik.conf;
}
`;

/** Writes nginx's configuration with a file of deploy/ in it, changed as said; its folder. */
export async function writeNginx(
  changes: readonly (readonly [string, string])[],
  file = "edge/nginx.conf",
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-edge-"));
  await writeFile(join(folder, "qlik.conf"), replaced(readDeployFile(file), changes));
  await writeFile(join(folder, "nginx.conf"), nginxMain(folder));
  return folder;
}

const nginx: Edge = {
  name: "nginx",
  async start({ proxy, portal }) {
    const port = await freePort();
    const folder = await writeNginx([
      ["127.0.0.1:8787", `127.0.0.1:${proxy}`],
      ["127.0.0.1:3000", `127.0.0.1:${portal}`],
      // The test speaks to it as a browser does behind TLS.
      ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
      ["ssl_certificate", "# ssl_certificate"],
    ]);
    return startProgram({ port, folder, command: ["nginx", "-p", folder, "-c", join(folder, "nginx.conf")] });
  },
};

const caddy: Edge = {
  name: "Caddy",
  async start({ proxy, portal }) {
    const [port, admin] = [await freePort(), await freePort()];
    const folder = await mkdtemp(join(tmpdir(), "qsp-edge-"));
    return startProgram({
      port,
      folder,
      command: ["caddy", "run", "--config", deployFile("edge/Caddyfile"), "--adapter", "caddyfile"],
      variables: {
        SITE: `http://portal.example.com:${port}`,
        PROXY: `127.0.0.1:${proxy}`,
        PORTAL: `127.0.0.1:${portal}`,
        CADDY_ADMIN: `127.0.0.1:${admin}`,
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
      },
    });
  },
};

/** Every front door that has a page in docs/how-to/. */
export const edges: readonly Edge[] = [nginx, caddy];

/** Asks nginx whether it would take the file with a certificate in its place; what it says. */
export async function testNginx(certificate: string, key: string): Promise<string> {
  const folder = await writeNginx([
    ["/etc/ssl/portal/fullchain.pem", `cert.pem`],
    ["/etc/ssl/portal/privkey.pem", `key.pem`],
    ["listen 443 ssl;", `listen 127.0.0.1:${await freePort()} ssl;`],
  ]);
  await writeFile(join(folder, "cert.pem"), certificate);
  await writeFile(join(folder, "key.pem"), key);
  const child = spawn("nginx", ["-t", "-p", folder, "-c", join(folder, "nginx.conf")]);
  let said = "";
  child.stderr.on("data", (text) => (said += String(text)));
  await once(child, "close");
  await rm(folder, { recursive: true, force: true });
  return said;
}

/** Starts the sample portal. */
export async function startPortal(): Promise<Program> {
  const port = await freePort();
  return startProgram({
    port,
    command: ["python3", deployFile("sample/portal.py")],
    variables: { PORT: String(port) },
  });
}
