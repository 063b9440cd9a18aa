/** The standalone server: the proxy with listeners, configuration file and log of its own. */
export { createStandaloneServer, type StandaloneServer } from "./server/standalone.ts";
export {
  type AdminConfig,
  type ConfigSources,
  type LoadedConfig,
  loadServerConfig,
  type ServerConfig,
} from "./server/config/load.ts";
export type { ListenAddress } from "./server/config/listen-address.ts";
export { createServerLog, type ServerLog } from "./server/log.ts";
export { Secret } from "./kernel/secret.ts";
export { ListenError } from "./server/listener.ts";
