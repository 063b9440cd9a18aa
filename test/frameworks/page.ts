import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { openEnigma } from "../support/vendor-enigma.ts";

interface Told {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string | undefined;
}

/** How a page's requests travel. */
export interface Protocol {
  readonly speaks: "HTTP/1.1" | "HTTP/2";
  /** The certificate of the host, where it has one. */
  readonly ca: string;
}

type Headers = Readonly<Record<string, string | number>>;

/** Sales, an app of the local tenant. */
const app = "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";

/** A page in a browser, which keeps the cookies that the host sets. */
export class Page {
  readonly #origin: URL;
  readonly #protocol: Protocol;
  readonly #jar = new Map<string, string>();
  #session: http2.ClientHttp2Session | undefined;

  constructor(origin: string, protocol: Protocol) {
    this.#origin = new URL(origin);
    this.#protocol = protocol;
  }

  async send(method: string, path: string, body?: string): Promise<Told> {
    const asked = { method, path, body };
    const { origin } = this.#origin;
    const headers = {
      ...this.#cookie,
      origin,
      "sec-fetch-site": "same-origin",
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": body.length }),
    };
    const told = await (this.#protocol.speaks === "HTTP/2"
      ? this.#sendHttp2(asked, headers)
      : this.#sendHttp1(asked, headers));
    for (const each of told.cookies) {
      const [name = "", value = ""] = (each.split(";")[0] ?? "").split(/=(.*)/s);
      if (value === "") this.#jar.delete(name);
      else this.#jar.set(name, value);
    }
    return told;
  }

  /** An app of the tenant, as the vendor's client opens it: by a WebSocket, which browsers open over HTTP/1.1. */
  openApp(): ReturnType<typeof openEnigma> {
    const { origin, host } = this.#origin;
    return openEnigma({
      host: `${this.#onThisMachine}/qlik`,
      path: app,
      headers: { ...this.#cookie, origin, host },
      ca: this.#protocol.ca,
    });
  }

  close(): void {
    this.#session?.destroy();
  }

  get #cookie(): { readonly cookie?: string } {
    const cookie = [...this.#jar].map((pair) => pair.join("=")).join("; ");
    return cookie === "" ? {} : { cookie };
  }

  /** The origin by the name that the certificate has. */
  get #onThisMachine(): string {
    return `${this.#origin.protocol}//localhost:${this.#origin.port}`;
  }

  #sendHttp1({ method, path, body }: Asked, headers: Headers): Promise<Told> {
    const { request } = this.#origin.protocol === "https:" ? https : http;
    const { host } = this.#origin;
    const tls = { ca: this.#protocol.ca, servername: "localhost" };
    const options = { ...tls, method, headers: { ...headers, host }, agent: false };
    return new Promise((resolve, reject) => {
      const outgoing = request(this.#onThisMachine + path, options, (answer) => {
        const chunks: Buffer[] = [];
        const cookies = answer.headers["set-cookie"] ?? [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString(), cookies }),
        );
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  #sendHttp2({ method, path, body }: Asked, headers: Headers): Promise<Told> {
    this.#session ??= http2.connect(this.#onThisMachine, { ca: this.#protocol.ca });
    const { host } = this.#origin;
    const stream = this.#session.request({
      ...headers,
      ":method": method,
      ":path": path,
      ":authority": host,
    });
    return new Promise((resolve, reject) => {
      let [status, text] = [0, ""];
      let cookies: readonly string[] = [];
      stream.on("response", (head) => {
        status = head[":status"] ?? 0;
        cookies = head["set-cookie"] ?? [];
      });
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      stream.on("end", () => resolve({ status, text, cookies }));
      stream.on("error", reject);
      stream.end(body);
    });
  }
}
