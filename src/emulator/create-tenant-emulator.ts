import { createAccess } from "./access/create-access.ts";
import { makeCertificate } from "./certificate.ts";
import { toMovableClock } from "./clock.ts";
import { trackConnections } from "./connections.ts";
import { createControlEndpoint, type ControlEndpoint } from "./control.ts";
import { createCspOrigins } from "./csp-origins.ts";
import { closeReason } from "./engine/close-reason.ts";
import { createEngine } from "./engine/engine.ts";
import { createEventFeed } from "./events-socket.ts";
import { createIdentityProviders } from "./identity-provider.ts";
import { createListener, listen } from "./listener.ts";
import type { Tenant } from "./local-tenant.ts";
import { resolveModes } from "./modes.ts";
import { resolveOptions, type ResolvedTenantOptions, type TenantEmulatorOptions } from "./options.ts";
import { createWebIntegrations } from "./origin-rules.ts";
import { createSessionControl, createSocketControl } from "./outside-control.ts";
import { randomUrlSafe } from "./random-values.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { createRecordings } from "./recordings.ts";
import { createRouter } from "./router.ts";
import { tenantRoutes } from "./routes.ts";
import { createScript } from "./script.ts";
import { createRequestListener } from "./serve-request.ts";
import { createSessionStore } from "./sessions.ts";
import { createTempContents } from "./temp-contents.ts";
import type { TenantEmulator } from "./tenant-emulator.ts";
import { createUpgradeListener } from "./upgrade.ts";
import { createUserDirectory, sampleUsers } from "./users.ts";

/** Sockets of sessions that ended get this code, where they get one: facts §13. */
const SESSION_ENDED = 4203;

/** How often sessions are looked through for limits that have passed. Milliseconds of the machine. */
const SWEEP_INTERVAL = 250;

interface TenantParts {
  readonly tenant: Tenant;
  /** Tells the tenant where it listens. */
  readonly setPort: (port: number) => void;
}

function createTenant(options: TenantEmulatorOptions, resolved: ResolvedTenantOptions): TenantParts {
  const { hostname, plainHttp, sessionIdle, sessionLifetime, assets } = resolved;
  const clock = toMovableClock(options.clock);
  // The balancers of facts §2.2 stand before Qlik Cloud.
  const modes = resolveModes({
    loadBalancerCookies: resolved.kind !== "qlik-sense-jwt",
    ...options.modes,
  });
  const engine = createEngine({ clock, ...(options.apps === undefined ? {} : { apps: options.apps }) });
  const events = createEventFeed(clock);
  const users = createUserDirectory(clock);
  const sessions = createSessionStore({
    clock,
    modes,
    users,
    limits: { idle: sessionIdle, lifetime: sessionLifetime },
    ended({ id }) {
      if (!modes.endSocketsWithSession) return;
      const filter = { tenantSessionId: id };
      engine.closeSockets(filter, SESSION_ENDED, closeReason(SESSION_ENDED));
      events.closeSockets(filter, SESSION_ENDED, closeReason(SESSION_ENDED));
    },
  });
  const identityProviders = createIdentityProviders(clock, modes, options.identityProviders ?? []);
  const hasTokens = resolved.kind === "qlik-cloud-oauth";
  for (const person of options.users ?? (hasTokens ? sampleUsers : [])) users.signIn(person);
  const access = createAccess(options, {
    sessions,
    modes,
    users,
    clock,
    identityProviders,
    origin: () => tenant.origin,
  });
  const scheme = plainHttp ? "http" : "https";
  let port = 0;
  const tenant: Tenant = {
    id: randomUrlSafe(32),
    name: "Local tenant",
    hostname,
    get origin() {
      return new URL(`${scheme}://${hostname}:${port}`).origin;
    },
    get address() {
      return tenant.origin + access.base;
    },
    get addressWithPort() {
      return `${scheme}://${hostname}:${port}${access.base}`;
    },
    startedAt: clock.now(),
    access,
    clock,
    modes,
    assets,
    engine,
    identityProviders,
    webIntegrations: createWebIntegrations(options.webIntegrations ?? []),
    cspOrigins: createCspOrigins(options.frameAncestors ?? []),
    users,
    sessions,
    script: createScript(),
    recordings: createRecordings(clock),
    rateLimiter: createRateLimiter(clock, modes),
    tempContents: createTempContents(clock),
    dataFiles: new Map(),
    reports: new Map(),
    events,
  };
  return { tenant, setPort: (given) => (port = given) };
}

/**
 * Starts a tenant on this machine that behaves as the sourced facts say; resolves when it listens.
 * Refuses to start with `NODE_ENV=production`.
 */
export async function createTenantEmulator(options: TenantEmulatorOptions = {}): Promise<TenantEmulator> {
  const resolved = resolveOptions(options);
  const { tenant, setPort } = createTenant(options, resolved);
  const own = resolved.plainHttp ? undefined : await makeCertificate(resolved.hostname);
  const server = createListener(own);
  const connections = trackConnections(server);
  server.on(
    "request",
    createRequestListener(tenant, {
      router: createRouter([...tenant.access.routes, ...tenantRoutes]),
      connections,
    }),
  );
  server.on("upgrade", createUpgradeListener(tenant, connections));
  const port = await listen(server, resolved.port, resolved.host);
  setPort(port);
  const sweeping = setInterval(() => tenant.sessions.sweep(), SWEEP_INTERVAL).unref();
  let control: ControlEndpoint | undefined;
  let closing: Promise<void> | undefined;
  async function end(): Promise<void> {
    clearInterval(sweeping);
    await control?.close();
    tenant.events.close();
    await tenant.engine.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.destroyAll();
    await closed;
  }
  const emulator: TenantEmulator = {
    origin: tenant.origin,
    hostname: tenant.hostname,
    port,
    certificate: own?.certificate,
    get controlUrl() {
      return control?.url;
    },
    clock: tenant.clock,
    modes: tenant.modes,
    sessions: createSessionControl(tenant),
    sockets: createSocketControl(tenant),
    users: {
      add: (person) => tenant.users.signIn(person),
      list: () => tenant.users.list(),
      setStatus: (subject, status) => tenant.users.setStatus(subject, status),
    },
    addIdentityProvider: (provider) => tenant.identityProviders.add(provider),
    addWebIntegration: (integration) => tenant.webIntegrations.add(integration),
    addTempContent: (content) => tenant.tempContents.add(content),
    enqueue: (behaviour) => tenant.script.enqueue(behaviour),
    fault: (fault) => tenant.script.fault(fault),
    clearFaults: () => tenant.script.clearFaults(),
    take: (filter) => tenant.recordings.take(filter),
    recordings: (filter) => tenant.recordings.list(filter),
    close: () => (closing ??= end()),
    [Symbol.asyncDispose]: () => emulator.close(),
  };
  try {
    if (options.control !== undefined) control = await createControlEndpoint(emulator, options.control.port);
  } catch (error) {
    await emulator.close();
    throw error;
  }
  return emulator;
}
