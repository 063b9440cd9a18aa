import type { EmulatorClock } from "../clock.ts";
import type { IdentityProviders } from "../identity-provider.ts";
import type { TenantModes } from "../modes.ts";
import type { SessionStore } from "../sessions.ts";
import type { UserDirectory } from "../users.ts";
import type { Access, TenantEmulatorKind } from "./access.ts";
import { createCloudJwtAccess } from "./cloud-jwt.ts";
import { createCloudOauthAccess, type OauthClient } from "./cloud-oauth.ts";
import { createSenseJwtAccess, type VirtualProxy } from "./sense-jwt.ts";

/** What every kind may need of the tenant. */
export interface AccessParts {
  readonly sessions: SessionStore;
  readonly modes: TenantModes;
  readonly users: UserDirectory;
  readonly clock: EmulatorClock;
  readonly identityProviders: IdentityProviders;
  readonly origin: () => string;
}

/** Which way in was asked for, and what it is made with. */
export interface AccessChoice {
  readonly kind?: TenantEmulatorKind;
  readonly oauthClients?: readonly OauthClient[];
  readonly virtualProxy?: VirtualProxy;
}

/** Creates the way in of the kind that was asked for. */
export function createAccess(options: AccessChoice, parts: AccessParts): Access {
  switch (options.kind) {
    case "qlik-cloud-oauth":
      return createCloudOauthAccess({ ...parts, clients: options.oauthClients ?? [] });
    case "qlik-sense-jwt": {
      const { hostAllowList, ...given } = options.virtualProxy ?? {};
      return createSenseJwtAccess({
        ...parts,
        hostAllowList: () => hostAllowList ?? [parts.origin()],
        virtualProxy: {
          prefix: "jwt",
          sessionCookie: "X-Qlik-Session-jwt",
          userIdAttribute: "userId",
          userDirectoryAttribute: "userDirectory",
          ...given,
        },
      });
    }
    default:
      return createCloudJwtAccess(parts);
  }
}
