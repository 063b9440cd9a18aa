import { availableParallelism } from "node:os";
import type { OptionProblem } from "../../errors.ts";
import { edgePeer } from "../../identity/address-set.ts";
import { Secret } from "../../kernel/secret.ts";
import { isPlainObject } from "../../options/check-shape.ts";
import { kindOf } from "../../options/tenant-kinds.ts";
import type { TenantKind } from "../../tenant/backend.ts";
import { formatListenAddress, type ListenAddress } from "./listen-address.ts";
import type { AdminConfig, EdgeConfig, ServerConfig } from "./load.ts";
import type { ShapedConfig } from "./schema.ts";

/** Listeners that are not public, by the key that they stand below. */
const privateKeys = ["admin", "edge"] as const;

/** What is wrong with the listeners beside each other. */
export function listenerProblems(config: ShapedConfig, tenant: unknown): readonly OptionProblem[] {
  const { listen, admin, edge } = config;
  const problems: OptionProblem[] = [];
  if (config.http2 && config.tls === undefined) problems.push({ path: "http2", message: noPlainHttp2 });
  const taken = new Map([[placeOf(listen, "listen"), "listen"]]);
  for (const key of privateKeys) {
    const address = config[key]?.listen;
    if (address === undefined) continue;
    const place = placeOf(address, key);
    const other = taken.get(place);
    const message = `must be another address than ${other}: ${reasons[key]}`;
    if (other !== undefined) problems.push({ path: `${key}.listen`, message });
    taken.set(place, key === "admin" ? "admin.listen" : "edge.listen");
  }
  const edgeToken = edge?.token;
  const isAdmins = edgeToken !== undefined && [admin?.token, admin?.webhookSecret].includes(edgeToken);
  if (isAdmins) problems.push({ path: "edge.token", message: otherToken });
  const kind = kindOf(isPlainObject(tenant) ? tenant : {});
  if (edge !== undefined && kind !== "qlik-cloud-jwt") problems.push({ path: "edge", message: noEdge(kind) });
  return problems;
}

const noPlainHttp2 = "needs tls: browsers speak HTTP/2 over TLS alone";

const reasons = { admin: "the probes are private", edge: "it hands out sessions of the tenant" } as const;

/** What such a tenant wants to see is more than two headers. */
const noEdge = (kind: TenantKind): string =>
  `is for tenant.kind qlik-cloud-jwt alone; requests to a tenant of the kind ${kind} go through the proxy`;

const otherToken =
  "must be another secret than those of admin: an edge may not end sessions, and no operator's tool may ask for credentials";

/** Two listeners on port 0 get a port each. */
const placeOf = (address: ListenAddress, key: string): string =>
  "port" in address && address.port === 0 ? key : formatListenAddress(address);

/** Shorter tokens can be guessed; characters. */
const shortToken = 16;

/** What about the listeners works, but should not stay so. */
export function listenerWarnings({ admin, edge }: ShapedConfig, identity: unknown): readonly OptionProblem[] {
  const secrets = [
    ["admin.token", admin?.token],
    ["admin.webhookSecret", admin?.webhookSecret],
    ["edge.token", edge?.token],
  ] as const;
  const short = secrets
    .filter(([, secret]) => (secret?.length ?? shortToken) < shortToken)
    .map(([path]) => ({
      path,
      message: `is shorter than ${shortToken} characters: openssl rand -hex 32 makes one`,
    }));
  const isUnheard = edge !== undefined && namesOtherPeers(identity);
  return isUnheard ? [...short, unheardEdge] : short;
}

/** Whether identity headers are believed of peers that are named, and an edge is none of them, whatever its address. */
function namesOtherPeers(identity: unknown): boolean {
  const source = isPlainObject(identity) ? identity["trustedHeader"] : undefined;
  if (!isPlainObject(source)) return false;
  const { from } = source;
  return !Array.isArray(from) || !from.includes(edgePeer);
}

const unheardEdge: OptionProblem = {
  path: "identity.trustedHeader.from",
  message: `does not name ${edgePeer}, so that the edge's requests are nobody's: name it if the edge sets every identity header itself`,
};

/** The listeners of a configuration that is right. */
export function toListeners({
  listen,
  workers,
  tls,
  http2,
  admin,
  edge,
}: ShapedConfig): Pick<ServerConfig, "listen" | "workers" | "tls" | "http2" | "admin" | "edge"> {
  return {
    listen,
    ...(http2 ? { http2 } : {}),
    workers: workers === "auto" ? availableParallelism() : workers,
    ...(tls?.cert === undefined || tls.key === undefined
      ? {}
      : { tls: { cert: tls.cert, key: new Secret(tls.key) } }),
    ...(admin === undefined ? {} : { admin: toAdmin(admin) }),
    ...(edge?.token === undefined ? {} : { edge: toEdge(edge.listen, edge.token) }),
  };
}

const toEdge = (listen: ListenAddress, token: string): EdgeConfig => ({ listen, token: new Secret(token) });

function toAdmin({ listen, token, webhookSecret = token }: NonNullable<ShapedConfig["admin"]>): AdminConfig {
  return {
    listen,
    ...(token === undefined ? {} : { token: new Secret(token) }),
    ...(webhookSecret === undefined ? {} : { webhookSecret: new Secret(webhookSecret) }),
  };
}
