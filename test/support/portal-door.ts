import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/python-portal/${name}`, import.meta.url));

/** A program of the example that runs. */
interface Running {
  close(): Promise<void>;
}

function stopping(child: ReturnType<typeof spawn>, folder?: string): Running["close"] {
  const ended = once(child, "close");
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.on("exit", killAtExit);
  return async () => {
    child.kill("SIGTERM");
    await ended;
    process.off("exit", killAtExit);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
}

/** Starts the sample portal with the system's Python; resolves when it listens. */
export async function startPythonPortal(flags: readonly string[]): Promise<Running> {
  const child = spawn("/usr/bin/python3", [example("portal.py"), ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const close = stopping(child);
  await once(createInterface(child.stdout), "line");
  return { close };
}

/** Where the programs listen, by the names that the example's configuration gives them. */
export interface DoorPorts {
  readonly door: number;
  readonly portal: number;
  readonly proxy: number;
}

/** Starts nginx with the example's own configuration, on other ports; resolves when it listens. */
export async function startPortalDoor({ door, portal, proxy }: DoorPorts): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-portal-door-"));
  const text = (await readFile(example("nginx.conf"), "utf8"))
    .replace("127.0.0.1:8080", `127.0.0.1:${door}`)
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${portal}`)
    .replace("127.0.0.1:8787", `127.0.0.1:${proxy}`);
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temporary = places.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ");
  const file = join(folder, "nginx.conf");
  // One process, and nothing outside the folder.
  await writeFile(file, `master_process off;\n${text.replace("http {", `http {\n  ${temporary}`)}`);
  const child = spawn("nginx", ["-p", folder, "-c", file], { stdio: ["ignore", "ignore", "inherit"] });
  const close = stopping(child, folder);
  for (let attempt = 0; attempt < 500 && child.exitCode === null; attempt += 1) {
    const socket = connect(door, "127.0.0.1");
    const isThere = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "close").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isThere) return { close };
    await sleep(20);
  }
  await close();
  throw new Error("nginx does not listen");
}
