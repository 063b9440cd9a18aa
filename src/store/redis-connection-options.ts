import { rootCertificates } from "node:tls";
import type { ClusterOptions, RedisOptions } from "ioredis";
import { longestSetup, pauseBefore } from "./redis-listening.ts";
import type {
  RedisClusterAddress,
  RedisLogin,
  RedisSentinelAddress,
  RedisSingleAddress,
} from "./redis-url.ts";

/** Replies in the form that every version of the protocol has; ioredis wants it said in the type. */
type PlainReplies = { readonly replyMapping: "legacy" };

/** What all connections have in common. */
interface ConnectionNeeds {
  /** Milliseconds for one call. */
  readonly timeout: number;
  readonly ca?: string | undefined;
}

/** A connection without data is asked by the system whether it still is there. Milliseconds. */
const keepAlive = 5000;

/** The slots of a cluster are asked for this often besides when a node says that they moved. Milliseconds. */
const slotsEvery = 5000;

/** The options of a client for one server. */
export function singleOptions(
  address: RedisSingleAddress,
  needs: ConnectionNeeds,
): RedisOptions & PlainReplies {
  const { host, port } = address.endpoint;
  return { ...commonOptions(address, needs), retryStrategy: pauseBefore, host, port, db: address.db };
}

/** The options of a client that asks sentinels for the master, and hears from them of the next one. */
export function sentinelOptions(
  address: RedisSentinelAddress,
  needs: ConnectionNeeds,
): RedisOptions & PlainReplies {
  const { sentinelLogin } = address;
  const tls = tlsOptions(address.tls, needs.ca);
  return {
    ...commonOptions(address, needs),
    retryStrategy: pauseBefore,
    sentinels: [...address.sentinels],
    name: address.name,
    role: "master",
    db: address.db,
    sentinelRetryStrategy: pauseBefore,
    sentinelReconnectStrategy: pauseBefore,
    sentinelCommandTimeout: needs.timeout,
    failoverDetector: true,
    ...(sentinelLogin?.user === undefined ? {} : { sentinelUsername: sentinelLogin.user }),
    ...(sentinelLogin ? { sentinelPassword: sentinelLogin.password.reveal() } : {}),
    ...(tls ? { sentinelTLS: tls, enableTLSForSentinelMode: true } : {}),
  };
}

/** The options of a client for a cluster. */
export function clusterOptions(
  address: RedisClusterAddress,
  needs: ConnectionNeeds,
): ClusterOptions & { readonly redisOptions: RedisOptions & PlainReplies } {
  return {
    redisOptions: commonOptions(address, needs),
    clusterRetryStrategy: pauseBefore,
    scaleReads: "master",
    slotsRefreshTimeout: longestSetup,
    slotsRefreshInterval: slotsEvery,
    // What was sent is not sent again: whether a write was done is for the caller to find out.
    retryDelayOnFailover: 0,
    // A certificate is for a name: it must not be lost before the handshake.
    ...(address.tls ? { dnsLookup: (name, found) => found(null, name) } : {}),
  };
}

function commonOptions(
  { login, tls }: { readonly login: RedisLogin | undefined; readonly tls: boolean },
  { timeout, ca }: ConnectionNeeds,
): RedisOptions & PlainReplies {
  const secured = tlsOptions(tls, ca);
  return {
    ...(login?.user === undefined ? {} : { username: login.user }),
    ...(login ? { password: login.password.reveal() } : {}),
    ...(secured ? { tls: secured } : {}),
    connectTimeout: longestSetup,
    // The caller's patience ends earlier, and looks once more at what has come; this one only clears up.
    commandTimeout: 2 * timeout,
    // Silence after a question means that the connection is dead, whatever the system thinks: it is made anew.
    socketTimeout: 2 * timeout,
    disconnectTimeout: timeout,
    keepAlive,
    // The queue holds calls until the first failure to connect, and no longer; `RedisCalls` bounds their number.
    enableOfflineQueue: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A master that became a replica refuses our scripts: look for the new one.
    reconnectOnError: ({ message }) => message.includes("READONLY"),
    replyMapping: "legacy",
    connectionName: "qlik-session-proxy",
  };
}

/** Certificates are verified always; there is no option that switches it off. */
function tlsOptions(
  tls: boolean,
  ca: string | undefined,
): { readonly ca?: string[] | undefined } | undefined {
  if (!tls) return undefined;
  return ca === undefined ? {} : { ca: [...rootCertificates, ca] };
}
