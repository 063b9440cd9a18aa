/** The shared store: sessions in Redis or Valkey, with the client library that the application has. */
export { createRedisStore, type RedisStoreOptions } from "./store/redis-store.ts";
export { fromIoredis, type IoredisClient, type IoredisCluster } from "./store/redis-from-ioredis.ts";
export { fromNodeRedis, type NodeRedisClient, type NodeRedisCluster } from "./store/redis-from-node-redis.ts";
export type { RedisClient } from "./store/redis-client.ts";
export type { DocumentWrite, SessionStore, StoredDocument, WriteOutcome } from "./store/session-store.ts";
