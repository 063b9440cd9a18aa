import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../cli/command.ts";

/** nginx in front of several nodes, as an operator would set it up who reads its manual. */
export interface NginxDoor {
  /** Where browsers connect. */
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * The edge of rules R11: what a node refuses with 503, or does not answer, goes to the next one; its idle connections are
 * given up long before the nodes would.
 */
const configOf = (folder: string, port: number, nodes: readonly number[], host: string): string => `
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream nodes {
${nodes.map((node) => `    server 127.0.0.1:${node} max_fails=1 fail_timeout=1s;`).join("\n")}
    keepalive 32;
    keepalive_timeout 5s;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Host ${host};
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_next_upstream error timeout http_503;
      proxy_connect_timeout 2s;
    }
  }
}
`;

/** Starts nginx; resolves when it listens. Whoever starts it closes it. */
export async function startNginxDoor(nodes: readonly number[], publicHost: string): Promise<NginxDoor> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-nginx-"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  await writeFile(file, configOf(folder, port, nodes, publicHost));
  const nginx = spawn("nginx", ["-p", folder, "-c", file], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(nginx, "close");
  const killAtExit = (): void => void nginx.kill("SIGKILL");
  process.on("exit", killAtExit);
  const close = async (): Promise<void> => {
    nginx.kill("SIGTERM");
    await ended;
    process.off("exit", killAtExit);
    await rm(folder, { recursive: true, force: true });
  };
  await untilItListens(port, () => nginx.exitCode === null).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { origin: `http://127.0.0.1:${port}`, close };
}

async function untilItListens(port: number, isAlive: () => boolean): Promise<void> {
  while (isAlive()) {
    const socket = connect(port, "127.0.0.1");
    const isThere = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "close").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isThere) return;
    await sleep(20);
  }
  throw new Error("nginx has ended");
}
