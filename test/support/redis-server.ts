import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificate, type OwnCertificate } from "../../src/emulator/certificate.ts";
import { type RedisProcess, startRedisProcess } from "./redis-process.ts";

/** How a test wants its server. */
export interface RedisServerOptions {
  /** A free one by default. */
  readonly port?: number;
  /** Whether it speaks TLS only, with a certificate of its own for localhost and 127.0.0.1; not by default. */
  readonly tls?: boolean;
  /** The only user that may do anything; without it everybody may. */
  readonly acl?: RedisUser;
  /** Whether what was written is there again after a restart, also after a kill; not by default. */
  readonly persistent?: boolean;
  /** More lines for its configuration file. */
  readonly config?: readonly string[];
}

/** A user of the server. */
export interface RedisUser {
  readonly user: string;
  readonly password: string;
  /** In the form of `ACL SETUSER`; everything by default. */
  readonly rules?: string;
}

/** A server of its own, on loopback. */
export interface RedisServer extends RedisProcess {
  /** What `session.store` would say: `redis://127.0.0.1:…`, with user and password if there are. */
  readonly url: string;
  /** PEM of the certificate to trust; null without TLS. */
  readonly ca: string | null;
}

/** What every data server of the tests has in common: loopback only, nothing written in the background. */
export function commonConfig(folder: string, persistent = false): readonly string[] {
  return [
    "bind 127.0.0.1",
    "protected-mode no",
    `dir ${folder}`,
    'save ""',
    `appendonly ${persistent ? "yes" : "no"}`,
    "appendfsync always",
    "repl-diskless-sync-delay 0",
  ];
}

async function tlsConfig(port: number, folder: string, own: OwnCertificate): Promise<readonly string[]> {
  await writeFile(join(folder, "server.crt"), own.certificate);
  await writeFile(join(folder, "server.key"), own.privateKey);
  return [
    "port 0",
    `tls-port ${port}`,
    `tls-cert-file ${folder}/server.crt`,
    `tls-key-file ${folder}/server.key`,
    `tls-ca-cert-file ${folder}/server.crt`,
    "tls-auth-clients no",
  ];
}

/** Starts a single server. Whoever starts it closes it. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { tls = false, acl, persistent = false } = options;
  const own = tls ? await makeCertificate("localhost") : null;
  const server = await startRedisProcess({
    command: "redis-server",
    port: options.port,
    config: async (port, folder) => [
      ...commonConfig(folder, persistent),
      ...(own ? await tlsConfig(port, folder, own) : [`port ${port}`]),
      ...(acl
        ? [
            "user default off",
            `user ${acl.user} on ${JSON.stringify(`>${acl.password}`)} ${acl.rules ?? "~* &* +@all"}`,
          ]
        : []),
      ...(options.config ?? []),
    ],
    cli: (folder) => [
      ...(own ? ["--tls", "--cacert", `${folder}/server.crt`] : []),
      ...(acl ? ["--no-auth-warning", "--user", acl.user, "--pass", acl.password] : []),
    ],
  });
  const login = acl ? `${encodeURIComponent(acl.user)}:${encodeURIComponent(acl.password)}@` : "";
  const scheme = own ? "rediss" : "redis";
  return { ...server, url: `${scheme}://${login}127.0.0.1:${server.port}`, ca: own?.certificate ?? null };
}
