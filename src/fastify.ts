/** The session proxy as a plugin for Fastify 5. */
export { qlikSessionProxy, qlikSessionProxy as default } from "./adapters/fastify-plugin.ts";
export type {
  FastifySessionProxy,
  FastifySessionProxyOptions,
  FastifyReadyProxyOptions,
} from "./adapters/fastify-plugin.ts";
