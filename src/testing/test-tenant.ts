import { generateKeyPairSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createTenantEmulator } from "../emulator/create-tenant-emulator.ts";
import type { TenantEmulatorOptions } from "../emulator/options.ts";
import type { TenantEmulator } from "../emulator/tenant-emulator.ts";
import type { Identity } from "../identity/identity.ts";
import type { SessionProxyOptions } from "../options/session-proxy-options.ts";
import { refuseInProduction } from "./refuse-production.ts";
import { createTestClock, type TestClock } from "./test-clock.ts";
import { createTestUsers, type SignedInCookie, type TestUser } from "./test-users.ts";

/** How a test tenant is made; everything has a default. */
export interface TestTenantOptions extends Omit<
  TenantEmulatorOptions,
  "clock" | "plainHttp" | "identityProviders"
> {
  /** The time of the tenant and of the proxy; one of its own by default. */
  readonly clock?: TestClock;
}

/** A local tenant that is ready for a proxy, and what a test does to both. */
export interface TestTenant {
  /** `https://acme.localhost:PORT`. */
  readonly origin: string;
  /**
   * What a proxy needs to sign in here: origin, certificate authority, a key made for this tenant alone, its lifetimes, and
   * the clock. `createSessionProxy({ ...proxyOptions, identify })`.
   */
  readonly proxyOptions: Required<Pick<SessionProxyOptions, "tenant" | "clock">>;
  /** Drives the time of the tenant, and of every proxy that was given `proxyOptions`. */
  readonly clock: TestClock;
  /** The tenant itself: its sessions, sockets and users, faults, recorded requests. */
  readonly emulator: TenantEmulator;
  /** Who the cookie of `signedIn` names, null for nobody: stands in for, or before, the application's own `identify`. */
  identify(request: IncomingMessage): Identity | null;
  /** The cookie that signs a person in where `identify` is asked; for browsers and other clients that keep cookies. */
  signedInCookie(user: TestUser): SignedInCookie;
  /**
   * The same as a header of a request. With the origin of the application, what its own pages add too: without that, no
   * socket is opened and nothing is changed, as the site guard has it.
   */
  signedIn(user: TestUser, options?: { readonly origin?: string }): Readonly<Record<string, string>>;
  /** Ends the tenant; close the proxies first. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const issuer = "test.example";
const keyId = "test-key";

/** A key of the tenant's kind that takes no time to make. facts §1.2 */
function makeKey(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync("ec", {
    namedCurve: "P-384",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
}

/**
 * Starts a local tenant with a throw-away key; resolves when it listens. It behaves as Qlik Cloud does, on this machine:
 * no account, no network.
 *
 * @throws Error with `NODE_ENV=production`
 */
export async function createTestTenant(options: TestTenantOptions = {}): Promise<TestTenant> {
  refuseInProduction("A test tenant");
  const { clock = createTestClock(), ...others } = options;
  const { sessionIdle, sessionLifetime } = others;
  const { privateKey, publicKey } = makeKey();
  const emulator = await createTenantEmulator({
    ...others,
    clock,
    identityProviders: [{ issuer, keyId, pem: publicKey }],
  });
  const { origin, certificate } = emulator;
  const users = createTestUsers();
  const close = (): Promise<void> => emulator.close();
  return {
    origin,
    proxyOptions: {
      tenant: {
        origin,
        ...(certificate === undefined ? {} : { ca: certificate }),
        signingKeys: [{ issuer, keyId, privateKey }],
        ...(sessionIdle === undefined ? {} : { sessionIdle }),
        ...(sessionLifetime === undefined ? {} : { sessionLifetime }),
      },
      clock,
    },
    clock,
    emulator,
    identify: users.identify,
    signedInCookie: users.cookie,
    signedIn(user, { origin: page } = {}) {
      const { name, value } = users.cookie(user);
      const fromPage = page === undefined ? {} : { origin: page, "sec-fetch-site": "same-origin" };
      return { cookie: `${name}=${value}`, ...fromPage };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
