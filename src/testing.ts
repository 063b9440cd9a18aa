/** What the tests of an application need: a tenant of one's own, a clock that is driven, people who are signed in. */
export { createTestTenant, type TestTenant, type TestTenantOptions } from "./testing/test-tenant.ts";
export { createTestClock, type TestClock } from "./testing/test-clock.ts";
export { createTestIssuer, type TestIssuer, type TestIssuerOptions } from "./testing/test-issuer.ts";
export { createTestWhoami, type TestWhoami } from "./testing/test-whoami.ts";
export { trustedHeaders, type TrustedHeaderNames } from "./testing/trusted-headers.ts";
export { nextEvent, type NextEventOptions } from "./testing/next-event.ts";
export type { SignedInCookie, TestUser } from "./testing/test-users.ts";
