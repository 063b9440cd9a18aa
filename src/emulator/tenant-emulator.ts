import type { MovableClock } from "./clock.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import type { TenantModes } from "./modes.ts";
import type { WebIntegration } from "./origin-rules.ts";
import type { SessionControl, SocketControl, UserControl } from "./outside-control.ts";
import type { Recording, RecordingFilter } from "./recordings.ts";
import type { Behaviour, Fault } from "./script.ts";
import type { NewTempContent, TempContent } from "./temp-contents.ts";

/** A tenant of one's own, listening. */
export interface TenantEmulator {
  /** `scheme://host[:port]`. */
  readonly origin: string;
  readonly hostname: string;
  readonly port: number;
  /** The certificate to trust, PEM; nothing with `plainHttp`. */
  readonly certificate: string | undefined;
  /** Where the control endpoint listens, if it was asked for. */
  readonly controlUrl: string | undefined;
  readonly clock: MovableClock;
  /** May be changed at any time. */
  readonly modes: TenantModes;
  readonly sessions: SessionControl;
  readonly sockets: SocketControl;
  readonly users: UserControl;
  addIdentityProvider(provider: IdentityProvider): void;
  addWebIntegration(integration: WebIntegration): void;
  /** Adds a temporary content; returns it with its id. */
  addTempContent(content: NewTempContent): TempContent;
  /** Scripts the answer to the next request that matches. */
  enqueue(behaviour: Behaviour): void;
  /** Lets something go wrong, so many times or until cleared. */
  fault(fault: Fault): void;
  clearFaults(): void;
  /** Returns and removes the recorded requests. */
  take(filter?: RecordingFilter): readonly Recording[];
  /** The recorded requests, left where they are. */
  recordings(filter?: RecordingFilter): readonly Recording[];
  /** Ends everything. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
