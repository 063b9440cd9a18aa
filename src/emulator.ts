export { createTenantEmulator } from "./emulator/create-tenant-emulator.ts";
export type { TenantEmulator } from "./emulator/tenant-emulator.ts";
export type {
  SessionControl,
  SessionSummary,
  SocketControl,
  SocketSummary,
  UserControl,
} from "./emulator/outside-control.ts";
export { createClock, type EmulatorClock, type MovableClock } from "./emulator/clock.ts";
export type { IdentityProvider } from "./emulator/identity-provider.ts";
export type { TenantEmulatorKind } from "./emulator/access/access.ts";
export type { OauthClient } from "./emulator/access/cloud-oauth.ts";
export type { VirtualProxy } from "./emulator/access/sense-jwt.ts";
export type { TenantModes } from "./emulator/modes.ts";
export type { TenantEmulatorOptions } from "./emulator/options.ts";
export type { WebIntegration } from "./emulator/origin-rules.ts";
export type { Recording, RecordingFilter } from "./emulator/recordings.ts";
export type { RequestMatch } from "./emulator/request-match.ts";
export type { Behaviour, Fault, FaultKind } from "./emulator/script.ts";
export {
  bytesOf,
  generatedBytes,
  type ContentBytes,
  type NewTempContent,
  type TempContent,
} from "./emulator/temp-contents.ts";
export { sampleUsers, type Person, type TenantUser } from "./emulator/users.ts";
