import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { credential, prefix, tenantName } from "../site.ts";
import type { Contender, Place } from "./contender.ts";
import { nginxPaths } from "../process/nginx-paths.ts";

/** A program of the system, by its command. */
interface ProgramOfSystem {
  readonly name: string;
  readonly command: string;
  readonly what: string;
  readonly role: Contender["role"];
  /** Its arguments that print its version. */
  readonly versionArgs: readonly string[];
  /** Its arguments, and the text of its configuration. */
  readonly args: (file: string, folder: string) => readonly string[];
  readonly configuration: (place: Place) => string;
  readonly env?: Readonly<Record<string, string>>;
}

function nginxConfiguration({ port, tenant, folder }: Place, buffers: string): string {
  const verify = `proxy_ssl_trusted_certificate ${tenant.caFile ?? ""};
      proxy_ssl_verify on;
      proxy_ssl_name ${tenantName};
      proxy_ssl_session_reuse on;`;
  return `daemon off;
user ${userInfo().username};
worker_processes 1;
pid ${folder}/pid;
error_log stderr error;
events { worker_connections 65536; }
http {
  access_log off;
  client_max_body_size 0;
  keepalive_requests 1000000;
  ${nginxPaths(folder)}
  map $http_upgrade $connection_upgrade {
    default upgrade;
    "" "";
  }
  upstream tenant {
    server 127.0.0.1:${tenant.port};
    keepalive 64;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    location ${prefix}/ {
      proxy_pass ${tenant.caFile === undefined ? "http" : "https"}://tenant/;
      proxy_http_version 1.1;
      proxy_set_header Host 127.0.0.1:${tenant.port};
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Cookie '${credential}';
      proxy_hide_header Set-Cookie;
      ${tenant.caFile === undefined ? "" : verify}
      ${buffers}
    }
  }
}
`;
}

const haproxyConfiguration = ({ port, tenant }: Place): string => `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 75s
  timeout tunnel 1h
frontend browsers
  bind 127.0.0.1:${port}
  default_backend tenant
backend tenant
  http-reuse always
  http-request replace-path ${prefix}(/.*) \\1
  http-request set-header Host 127.0.0.1:${tenant.port}
  http-request set-header Cookie "${credential}"
  http-response del-header Set-Cookie
  server tenant 127.0.0.1:${tenant.port}${
    tenant.caFile === undefined
      ? ""
      : ` ssl verify required ca-file ${tenant.caFile} verifyhost ${tenantName}`
  }
`;

const caddyConfiguration = ({ port, tenant }: Place): string => `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  handle_path ${prefix}/* {
    reverse_proxy ${tenant.origin} {
      header_up Host 127.0.0.1:${tenant.port}
      header_up Cookie "${credential}"
      header_down -Set-Cookie
      transport http {
        keepalive_idle_conns 256
        keepalive_idle_conns_per_host 256
        ${tenant.caFile === undefined ? "" : `tls_trusted_ca_certs ${tenant.caFile}`}
        ${tenant.caFile === undefined ? "" : `tls_server_name ${tenantName}`}
      }
    }
  }
}
`;

/** For bodies: as many bytes as our own client reads at once. */
const largeBuffers = "proxy_buffer_size 64k; proxy_buffers 16 256k; proxy_busy_buffers_size 512k;";

const nginx = (name: string, what: string, buffers: string): ProgramOfSystem => ({
  name,
  command: "nginx",
  what,
  role: "yardstick",
  versionArgs: ["-v"],
  args: (file, folder) => ["-p", folder, "-c", file],
  configuration: (place) => nginxConfiguration(place, buffers),
});

const programs: readonly ProgramOfSystem[] = [
  nginx("nginx", "1 worker, default buffers, a fixed cookie", ""),
  nginx("nginx-large-buffers", "1 worker, large proxy_buffers, a fixed cookie", largeBuffers),
  {
    name: "haproxy",
    command: "haproxy",
    what: "1 thread, a fixed cookie",
    role: "onlooker",
    versionArgs: ["-v"],
    args: (file) => ["-db", "-f", file],
    configuration: haproxyConfiguration,
  },
  {
    name: "caddy",
    command: "caddy",
    what: "1 thread of Go, a fixed cookie",
    role: "onlooker",
    versionArgs: ["version"],
    args: (file) => ["run", "--adapter", "caddyfile", "--config", file],
    configuration: caddyConfiguration,
    env: { GOMAXPROCS: "1" },
  },
];

/** nginx, haproxy and caddy as the system has them. */
export const programContenders: readonly Contender[] = programs.map((program) => ({
  name: program.name,
  role: program.role,
  what: program.what,
  hasSockets: true,
  rewritesLinks: false,
  obstacle: () =>
    versionOf(program.command, program.versionArgs) === undefined
      ? `it is not installed here: apt-get install ${program.command}`
      : null,
  version: () => versionOf(program.command, program.versionArgs) ?? "",
  program(place) {
    const file = join(place.folder, "configuration");
    writeFileSync(file, program.configuration(place));
    return {
      command: program.command,
      args: program.args(file, place.folder),
      env: { HOME: place.folder, ...program.env },
      stopBy: "SIGTERM",
    };
  },
}));

/** The version that a program of the system says it has; undefined where it is not there. */
export function versionOf(command: string, args: readonly string[]): string | undefined {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return error ? undefined : (/\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? "?");
}

/** Whether a program of the system is there. */
export const isThere = (command: string): boolean => versionOf(command, ["-v"]) !== undefined;
