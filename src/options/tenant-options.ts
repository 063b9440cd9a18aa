import type { Secret } from "../kernel/secret.ts";
import type { SigningKeyOptions } from "./signing-key.ts";

/** Milliseconds, or a text with its unit: `500ms`, `30s`, `20m`, `8h`, `1d`. */
export type Duration = number | string;

/** The tenant; its `kind` says how users are signed in, and what else is to be said of it. */
export type TenantOptions = QlikCloudJwtOptions | QlikCloudOauthOptions | QlikSenseJwtOptions;

/** What is said of every tenant. */
export interface AnyTenantOptions {
  /** Origin of the tenant, such as `https://acme.eu.qlikcloud.com`: https, a host name, no path. */
  readonly origin: string;
  /** Certificate authority in PEM that is trusted beside the system's; none by default. */
  readonly ca?: string;
}

/** A Qlik Cloud tenant with an identity provider for signed tokens. */
export interface QlikCloudJwtOptions extends AnyTenantOptions {
  /** May be left out: this is the default. */
  readonly kind?: "qlik-cloud-jwt";
  /** Idle time after which the tenant ends a session. Milliseconds, 1 s to 30 d; 1800000 (30 minutes) by default. */
  readonly sessionIdle?: Duration;
  /** Age at which the tenant ends a session. Milliseconds, 1 s to 30 d; 86400000 (24 hours) by default. */
  readonly sessionLifetime?: Duration;
  /** The keys as registered at the tenant; at least one, the first signs. */
  readonly signingKeys: readonly SigningKeyOptions[];
}

/** A Qlik Cloud tenant with an OAuth client that may get tokens in the name of its users. */
export interface QlikCloudOauthOptions extends AnyTenantOptions {
  readonly kind: "qlik-cloud-oauth";
  /** Id of the OAuth client: machine-to-machine impersonation, its consent method Trusted. */
  readonly clientId: string;
  /** Secret of the OAuth client. A `Secret` is a text that cannot be printed by accident. */
  readonly clientSecret: string | Secret;
  /** What the token is good for, with spaces between several; "user_default" by default. */
  readonly scope?: string;
  /** Whether the host's subject is the subject of a user of the tenant, or its id; "subject" by default. */
  readonly userLookup?: "subject" | "userId";
  /** Nothing is signed here. */
  readonly signingKeys?: never;
  /** A token ends when it says so, used or not. */
  readonly sessionIdle?: never;
  /** Age at which a token is replaced at the latest. Milliseconds, 1 s to 30 d; 21600000 (6 hours) by default. */
  readonly sessionLifetime?: Duration;
}

/** A Qlik Sense Enterprise server with a virtual proxy for signed tokens. */
export interface QlikSenseJwtOptions extends AnyTenantOptions {
  readonly kind: "qlik-sense-jwt";
  /** Prefix of the virtual proxy, without slashes; "jwt" by default. */
  readonly virtualProxy?: string;
  /** Name of its session cookie; "X-Qlik-Session-jwt" by default. */
  readonly sessionCookie?: string;
  /** The user directory that the host's users are in. */
  readonly userDirectory: string;
  /** The claim that the virtual proxy takes the user's id from; "userId" by default. */
  readonly userIdClaim?: string;
  /** The claim that the virtual proxy takes the user directory from; "userDirectory" by default. */
  readonly userDirectoryClaim?: string;
  /** Origin that upgrades name, on the host allow list of the virtual proxy; `origin` by default. */
  readonly socketOrigin?: string;
  /** Idle time after which the server ends a session. Milliseconds, 1 s to 30 d; 1800000 (30 minutes) by default. */
  readonly sessionIdle?: Duration;
  /** Age at which a session is replaced. Milliseconds, 1 s to 30 d; 86400000 (24 hours) by default. */
  readonly sessionLifetime?: Duration;
  /** The key whose certificate the virtual proxy has; at least one, the first signs. */
  readonly signingKeys: readonly SigningKeyOptions[];
}
