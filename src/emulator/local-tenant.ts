import type { Access } from "./access/access.ts";
import type { MovableClock } from "./clock.ts";
import type { Engine } from "./engine/engine.ts";
import type { EventFeed } from "./events-socket.ts";
import type { IdentityProviders } from "./identity-provider.ts";
import type { TenantModes } from "./modes.ts";
import type { WebIntegrations } from "./origin-rules.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { Recordings } from "./recordings.ts";
import type { CspOrigins } from "./csp-origins.ts";
import type { DataFiles } from "./data-files.ts";
import type { Reports } from "./reports.ts";
import type { Script } from "./script.ts";
import type { SessionStore } from "./sessions.ts";
import type { TempContents } from "./temp-contents.ts";
import type { UserDirectory } from "./users.ts";

/** Everything the local tenant consists of, as its handlers see it. */
export interface Tenant {
  /** 32 characters (facts §2.5). */
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  /** `scheme://host[:port]`, without the port where it is the scheme's own. */
  readonly origin: string;
  /** The origin, and the path that everything is below; the beginning of links. */
  readonly address: string;
  /** The same with the port spelled out always: both forms occur in bodies (facts §13). */
  readonly addressWithPort: string;
  readonly startedAt: number;
  /** How it knows whose a request is. */
  readonly access: Access;
  readonly clock: MovableClock;
  readonly modes: TenantModes;
  /** Folder of the built browser code that is served below `/qlik-embed/`. */
  readonly assets: URL;
  readonly engine: Engine;
  readonly identityProviders: IdentityProviders;
  readonly webIntegrations: WebIntegrations;
  readonly cspOrigins: CspOrigins;
  readonly users: UserDirectory;
  readonly sessions: SessionStore;
  readonly script: Script;
  readonly recordings: Recordings;
  readonly rateLimiter: RateLimiter;
  readonly tempContents: TempContents;
  readonly dataFiles: DataFiles;
  readonly reports: Reports;
  readonly events: EventFeed;
}
