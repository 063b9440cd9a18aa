import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import type { DrivenBrowser, LaunchOptions, Size, Tab } from "./browsers.ts";

/*
 * WebKitGTK, driven by the protocol that its own driver speaks (W3C WebDriver), on a screen of its own. Its folders are
 * its own too: what a person of this machine has set up for WebKit is neither read nor changed.
 */

const miniBrowser = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/webkit2gtk-4.1/MiniBrowser`;

/** Starts a program in a process group of its own, so that what it starts ends with it. */
function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(command, args, { env, detached: true, stdio: ["ignore", "ignore", "ignore", "pipe"] });
}

async function stop(started: ChildProcess | undefined): Promise<void> {
  if (started?.pid === undefined) return;
  const exited = started.exitCode ?? started.signalCode ?? once(started, "exit");
  try {
    process.kill(-started.pid, "SIGKILL");
  } catch {
    // The whole group has ended by itself.
  }
  await exited;
}

/** The first line that a program writes to the pipe it was given. */
async function firstLine({ stdio }: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of stdio[3] as Readable) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  return text.trim();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** One command to the driver; what it answers. */
async function command(url: string, method: "GET" | "POST" | "DELETE", body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { value } = (await response.json()) as { readonly value: unknown };
  if (!response.ok) throw new Error(`WebKit: ${(value as { readonly message: string }).message}`);
  return value;
}

async function untilReady(driver: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    try {
      await command(`${driver}/status`, "GET");
      return;
    } catch {
      await wait(50);
    }
  }
  throw new Error("The driver of WebKit does not answer");
}

/** Gives the value of an expression to the driver, or says what went wrong: it knows no promises that are refused. */
const asyncScript = (expression: string): string => `
  const told = arguments[arguments.length - 1];
  Promise.resolve().then(() => (${expression}
)).then(
    (value) => told({ value }),
    (error) => told({ error: String(error) }),
  );`;

/** The page in the only window: of windows that the driver opens later it takes no pictures, and waits for ever. */
class WebKitTab implements Tab {
  readonly #session: string;

  constructor(session: string) {
    this.#session = session;
  }

  #ask(method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
    return command(`${this.#session}${path}`, method, body);
  }

  async goto(url: string): Promise<void> {
    await this.#ask("POST", "/url", { url });
  }

  async run(expression: string): Promise<unknown> {
    const script = asyncScript(expression);
    const answer = await this.#ask("POST", "/execute/async", { script, args: [] });
    const { value, error } = answer as { readonly value?: unknown; readonly error?: string };
    if (error !== undefined) throw new Error(error);
    return value;
  }

  async click(x: number, y: number): Promise<void> {
    const actions = [
      { type: "pointerMove", duration: 0, x: Math.round(x), y: Math.round(y) },
      { type: "pointerDown", button: 0 },
      { type: "pointerUp", button: 0 },
    ];
    const pointer = { type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions };
    await this.#ask("POST", "/actions", { actions: [pointer] });
  }

  async screenshot(): Promise<Buffer> {
    return Buffer.from((await this.#ask("GET", "/screenshot")) as string, "base64");
  }
}

/** Makes the window so large that the page in it has the size. */
async function fit(tab: Tab, session: string, { width, height }: Size): Promise<void> {
  await command(`${session}/window/rect`, "POST", { width, height });
  const inner = (await tab.run("({ width: innerWidth, height: innerHeight })")) as Size;
  const outer = { width: 2 * width - inner.width, height: 2 * height - inner.height };
  await command(`${session}/window/rect`, "POST", outer);
}

/** Starts WebKit; third-party cookies are blocked as Safari blocks them, or let through. */
export async function launchWebKit({ thirdPartyCookies, size }: LaunchOptions): Promise<DrivenBrowser> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-webkit-"));
  const runtime = join(folder, "run");
  await mkdir(runtime, { mode: 0o700 });
  const env = { PATH: process.env["PATH"], HOME: folder, XDG_RUNTIME_DIR: runtime };
  const screen = start("Xvfb", ["-displayfd", "3", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"], env);
  let driver: ChildProcess | undefined;
  const end = async (): Promise<void> => {
    await stop(driver);
    await stop(screen);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const display = `:${await firstLine(screen)}`;
    const port = await freePort();
    driver = start("WebKitWebDriver", [`--port=${port}`], { ...env, DISPLAY: display });
    const url = `http://127.0.0.1:${port}`;
    await untilReady(url);
    const args = ["--automation", ...(thirdPartyCookies === "blocked" ? ["--enable-itp"] : [])];
    const made = (await command(`${url}/session`, "POST", {
      capabilities: {
        alwaysMatch: {
          acceptInsecureCerts: true,
          "webkitgtk:browserOptions": { binary: miniBrowser, args },
        },
      },
    })) as { readonly sessionId: string };
    const session = `${url}/session/${made.sessionId}`;
    const tab = new WebKitTab(session);
    if (size !== undefined) await fit(tab, session, size);
    return {
      async open(address) {
        await tab.goto(address);
        return tab;
      },
      async close() {
        await command(session, "DELETE").catch(() => undefined);
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
