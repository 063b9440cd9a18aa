import type { TenantEmulatorKind } from "./access/access.ts";
import type { OauthClient } from "./access/cloud-oauth.ts";
import type { VirtualProxy } from "./access/sense-jwt.ts";
import type { EmulatorClock } from "./clock.ts";
import type { EngineOptions } from "./engine/engine.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import type { Milliseconds, TenantModes } from "./modes.ts";
import type { WebIntegration } from "./origin-rules.ts";
import type { Person } from "./users.ts";

/** How a local tenant is made; everything has a default. */
export interface TenantEmulatorOptions {
  /** What kind of tenant it is; `qlik-cloud-jwt` by default. */
  readonly kind?: TenantEmulatorKind;
  /** Who may get tokens in the name of users, of the kind `qlik-cloud-oauth`; nobody by default. */
  readonly oauthClients?: readonly OauthClient[];
  /** What everything is below, of the kind `qlik-sense-jwt`. Its certificate is that of the first identity provider. */
  readonly virtualProxy?: VirtualProxy;
  /** Users that are there from the start; the sample users with `qlik-cloud-oauth`, nobody otherwise. */
  readonly users?: readonly Person[];
  /** Host name of the tenant; `acme.localhost` by default. */
  readonly hostname?: string;
  /** Address it listens on; 127.0.0.1 by default. */
  readonly host?: string;
  /** Port; 0, a free one, by default. */
  readonly port?: number;
  /** HTTP instead of HTTPS; false by default. */
  readonly plainHttp?: boolean;
  /** The tenant's time; the machine's by default. */
  readonly clock?: EmulatorClock;
  /** Who may sign login tokens; nobody by default. */
  readonly identityProviders?: readonly IdentityProvider[];
  /** CORS allow-lists; none by default. */
  readonly webIntegrations?: readonly WebIntegration[];
  /** Origins that may frame the tenant's pages, beside itself; none by default. */
  readonly frameAncestors?: readonly string[];
  /**
   * How long a session lives without a request. Milliseconds, more than 0; 30 minutes by default (facts §2.3), and no limit
   * with `qlik-cloud-oauth` (facts §9).
   */
  readonly sessionIdle?: Milliseconds;
  /**
   * How long a session lives at most. Milliseconds, more than 0; 24 hours by default (facts §2.3), 6 hours with
   * `qlik-cloud-oauth` (facts §9).
   */
  readonly sessionLifetime?: Milliseconds;
  /** What the sources leave open; see each mode. */
  readonly modes?: Partial<TenantModes>;
  /** A control endpoint on a port of its own; none by default. */
  readonly control?: {
    /** Port on 127.0.0.1; 0 for a free one. */
    readonly port: number;
  };
  /** The apps of the engine; some with made-up data by default. */
  readonly apps?: EngineOptions["apps"];
  /** Folder of the built browser runtime; `dist/web/tenant/` by default. */
  readonly assets?: URL;
}

/** Default lifetimes: facts §2.3. */
const SESSION_IDLE = 30 * 60_000;
const SESSION_LIFETIME = 24 * 60 * 60_000;

/** A token's: facts §9. */
const TOKEN_LIFETIME = 6 * 60 * 60_000;

/** The options of what is decided once, with their defaults. */
export interface ResolvedTenantOptions {
  readonly kind: TenantEmulatorKind;
  readonly hostname: string;
  readonly host: string;
  readonly port: number;
  readonly plainHttp: boolean;
  readonly sessionIdle: Milliseconds;
  readonly sessionLifetime: Milliseconds;
  readonly assets: URL;
}

function problems(options: ResolvedTenantOptions): readonly string[] {
  const found: string[] = [];
  if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(options.hostname))
    found.push(`hostname: "${options.hostname}" is not a host name in lower case`);
  for (const name of ["sessionIdle", "sessionLifetime"] as const)
    if (!(options[name] > 0)) found.push(`${name}: must be more than 0 milliseconds`);
  if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65_535)
    found.push("port: must be 0 to 65535");
  return found;
}

/** Completes and checks the options; throws once, with every problem. */
export function resolveOptions(options: TenantEmulatorOptions): ResolvedTenantOptions {
  if (process.env["NODE_ENV"] === "production")
    throw new Error(
      "The local tenant is for development and tests: it does not run with NODE_ENV=production.",
    );
  const { kind = "qlik-cloud-jwt" } = options;
  const hasTokens = kind === "qlik-cloud-oauth";
  const resolved: ResolvedTenantOptions = {
    kind,
    hostname: options.hostname ?? "acme.localhost",
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    plainHttp: options.plainHttp ?? false,
    sessionIdle: options.sessionIdle ?? (hasTokens ? Number.POSITIVE_INFINITY : SESSION_IDLE),
    sessionLifetime: options.sessionLifetime ?? (hasTokens ? TOKEN_LIFETIME : SESSION_LIFETIME),
    assets: options.assets ?? new URL("../../dist/web/tenant/", import.meta.url),
  };
  const found = problems(resolved);
  if (found.length > 0) throw new Error(`The options of the local tenant are wrong: ${found.join("; ")}`);
  return resolved;
}
