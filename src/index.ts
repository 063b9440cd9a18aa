/** The library: a session proxy for any Node server. */
export { createSessionProxy } from "./proxy/create-session-proxy.ts";
export type {
  LimitOptions,
  PolicyOptions,
  RootOptions,
  SessionOptions,
  SessionProxyOptions,
  Size,
  TimeoutOptions,
  UnsafeOptions,
  UpstreamOptions,
} from "./options/session-proxy-options.ts";
export type {
  Duration,
  QlikCloudJwtOptions,
  QlikCloudOauthOptions,
  QlikSenseJwtOptions,
  TenantOptions,
} from "./options/tenant-options.ts";
export type { OneOfTenants, SeveralTenantsOptions, TenantMatch } from "./options/several-tenants.ts";
export type { ExternalSigner, SigningKeyOptions } from "./options/signing-key.ts";
export type {
  ListedSession,
  Middleware,
  SessionProxy,
  SessionProxyStats,
  SessionsAdmin,
} from "./proxy/session-proxy.ts";
export type { Identity } from "./identity/identity.ts";
export { Secret } from "./kernel/secret.ts";
export type { Clock } from "./kernel/clock.ts";
export type { ProxyEvent } from "./kernel/channels.ts";
export type { ChannelName, EventLevel, EventName } from "./kernel/events.ts";
