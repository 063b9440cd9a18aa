import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { get } from "node:http";
import { join } from "node:path";
import { freePort, startProgram } from "../process/start.ts";
import { balancerCookies, credential, csrfToken, loginCookies } from "../site.ts";
import { answers, writeBodies } from "./answers.ts";
import type { Certificate } from "./certificate.ts";
import type { Tenant } from "./tenant.ts";
import { nginxPaths } from "../process/nginx-paths.ts";

/** Our own attributes of the login's cookies: the real ones are in no source. facts §2.2 */
const sessionAttributes = "Path=/; Secure; HttpOnly; SameSite=None";

/** Lives a week from now, as the load balancers of the facts have it. facts §2.2 */
const balancerAttributes = (): string =>
  `Expires=${new Date(Date.now() + 7 * 86_400_000).toUTCString()}; Path=/; Secure; SameSite=None`;

const addHeader = (name: string, value: string): string => `add_header ${name} '${value}' always;`;

const setCookies = (cookies: readonly string[], attributes: string): string[] =>
  cookies.map((cookie) => addHeader("Set-Cookie", `${cookie}; ${attributes}`));

/** With these there are twelve headers on an answer, counting those that nginx writes itself. */
const answerHeaders = (): string[] => [
  ...setCookies(balancerCookies, balancerAttributes()),
  addHeader("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
  addHeader("X-Content-Type-Options", "nosniff"),
  addHeader("X-Request-Id", "0123456789abcdef0123456789abcdef"),
  addHeader("Vary", "Origin"),
];

interface FilePlace {
  readonly folder: string;
  /** The arguments of nginx's `listen`. */
  readonly listen: string;
  readonly certificate: Certificate | undefined;
  /** Where it says how many connections there were. */
  readonly statusPort: number;
}

/**
 * One worker of nginx with answers from files. Whoever comes without the exact cookie, or with any other beside it, is
 * answered 409, so that a load counts it as an error.
 */
function configuration({ folder, listen, certificate, statusPort }: FilePlace): string {
  const lines = (texts: readonly string[]): string => texts.join("\n      ");
  const locations = answers.map(
    ({ name, path, type }) => `location = ${path} {
      if ($isExact = 0) { return 409; }
      default_type ${type};
      alias ${folder}/bodies/${name};
      ${lines(answerHeaders())}
    }`,
  );
  return `daemon off;
user ${userInfo().username};
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${folder}/pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  ${nginxPaths(folder)}
  map_hash_bucket_size 1024;
  types {}
  map $http_cookie $isExact {
    default 0;
    '${credential}' 1;
  }
  server {
    listen ${listen};
    ${certificate ? `ssl_certificate ${certificate.certFile};\n    ssl_certificate_key ${certificate.keyFile};` : ""}
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tenant:10m;
    location = /login/jwt-session {
      default_type application/json;
      ${lines([...setCookies(loginCookies, sessionAttributes), ...answerHeaders()])}
      return 200 '{}';
    }
    location = /api/v1/csrf-token {
      ${lines([addHeader("qlik-csrf-token", csrfToken), ...answerHeaders()])}
      return 204;
    }
    ${locations.join("\n    ")}
  }
  server {
    listen 127.0.0.1:${statusPort};
    location = / { stub_status; }
  }
}
`;
}

/** The second number of the third line: connections handled, each question's own among them. */
function askConnections(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve(Number(/^ \d+ (\d+) \d+/m.exec(text)?.[1])));
      answer.on("error", reject);
    }).on("error", reject);
  });
}

/** Starts the tenant of the loads over HTTP; with a certificate it speaks TLS, and HTTP/2 to who asks for it if it is told to. */
export async function startFileTenant(
  place: string,
  certificate?: Certificate,
  { http2 = false }: { readonly http2?: boolean } = {},
): Promise<Tenant> {
  const folder = join(place, certificate ? "tenant-tls" : "tenant");
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const origin = `${certificate ? "https" : "http"}://127.0.0.1:${port}`;
  writeBodies(join(folder, "bodies"), origin);
  const file = join(folder, "nginx.conf");
  const statusPort = await freePort();
  const listen = `127.0.0.1:${port}${certificate ? " ssl" : ""}${http2 ? " http2" : ""}`;
  writeFileSync(file, configuration({ folder, listen, certificate, statusPort }));
  const running = await startProgram(
    { command: "nginx", args: ["-p", folder, "-c", file], stopBy: "SIGTERM" },
    { port, logFile: join(folder, "log") },
  );
  let questions = 0;
  return {
    origin,
    port,
    connectionsTaken: async () => (await askConnections(statusPort)) - ++questions,
    ...(certificate ? { caFile: certificate.certFile } : {}),
    stop: () => running.stop(),
  };
}
