import type { IncomingMessage, ServerResponse } from "node:http";
import { publish } from "../kernel/channels.ts";
import { traceId } from "../kernel/random.ts";
import type { Secret } from "../kernel/secret.ts";
import { type AdminAccess, createAdminAccess, refusePages } from "./admin-access.ts";
import { type AdminAnswer, adminErrorAnswer, AdminRefusal, sendAdminAnswer } from "./admin-answer.ts";
import { readBody } from "./admin-body.ts";
import { parseOrder } from "./admin-order.ts";
import {
  createRevoker,
  deleteSessions,
  listSessions,
  type Revoker,
  type SessionControl,
} from "./admin-sessions.ts";
import { Deliveries, readDeliveryHead, requireSignature } from "./admin-webhook.ts";
import { type Console } from "./console/console.ts";
import { type ConsolePage, isNavigation, readConsolePage } from "./console/console-page.ts";
import { type AnyServer, createListener } from "./listener.ts";
import { formatMetrics, metricsType } from "./metrics/exposition.ts";
import type { Readings } from "./metrics/snapshot.ts";
import { createRareTeller } from "./told-rarely.ts";
import { destroyResponse } from "../proxy/http/waiting-response.ts";

/** Whether new work should come here, and why not. */
export type Readiness = "ready" | "draining" | "store unreachable" | "login held back";

/** What an operator may look at. */
export interface Telemetry {
  readonly readings: Pick<Readings, "read">;
  readonly console: Pick<Console, "answer">;
}

/** What the private listener needs. */
export interface AdminOptions {
  /** The token of now. Without it there are the probes alone, and the signed webhook where that has a key. */
  readonly token: () => Secret | undefined;
  /** What events are signed with now; without it none is taken. */
  readonly webhookKey: () => Buffer | undefined;
  readonly readiness: () => Readiness | Promise<Readiness>;
  readonly control: SessionControl;
  readonly telemetry: Telemetry;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A request to the private listener. */
interface AdminVisit {
  readonly request: IncomingMessage;
  /** Without the question mark. */
  readonly query: string;
}

type AdminHandler = (visit: AdminVisit) => AdminAnswer | Promise<AdminAnswer>;

/** What can be done at one path. */
interface AdminRoute {
  /** Where the token is not asked for: a probe, or a method that looks at another proof itself. */
  readonly open?: "probe" | "POST";
  readonly methods: Readonly<Record<string, AdminHandler>>;
}

/**
 * Creates the private listener: probes for everybody who reaches it, everything else for those who hold the token.
 */
export function createAdminListener(options: AdminOptions): AnyServer {
  const server = createListener(undefined);
  const access = createAdminAccess(options.token);
  const tellRefusal = createRefusalTeller();
  const routes = createRoutes(options, access);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const id = traceId();
    answerTo(request, routes, access)
      .catch((error: unknown) => {
        const answer = adminErrorAnswer(error, id);
        if (answer.status === 500) tellFailure(error, id);
        if (answer.status === 401) tellRefusal(request, id);
        return answer;
      })
      .then((answer) => sendAdminAnswer(request, response, answer))
      .catch(() => destroyResponse(response));
  });
  return server;
}

async function answerTo(
  request: IncomingMessage,
  routes: ReadonlyMap<string, AdminRoute>,
  access: AdminAccess,
): Promise<AdminAnswer> {
  const { method = "GET", url = "/" } = request;
  const mark = url.indexOf("?");
  const route = routes.get(mark === -1 ? url : url.slice(0, mark));
  if (method !== "GET" && method !== "HEAD") refusePages(request);
  const isOpen = route?.open === "probe" || route?.open === method;
  if (!isOpen && !access.holds(request)) throw access.refusal();
  if (route === undefined) throw new AdminRefusal("QSP-POLICY", { detail: "there is nothing at this path" });
  const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined;
  if (handler !== undefined) return handler({ request, query: mark === -1 ? "" : url.slice(mark + 1) });
  const allow = Object.keys(route.methods).join(", ");
  throw new AdminRefusal("QSP-POLICY", {
    status: 405,
    detail: `this path takes ${allow}`,
    headers: { Allow: allow },
  });
}

/** A failure of ours is answered without its words, which are for the log. */
function tellFailure(error: unknown, id: string): void {
  const reason = error instanceof Error ? error.name : typeof error;
  publish("session", () => ({
    event: "admin.failed",
    level: "error",
    traceId: id,
    code: "QSP-INTERNAL",
    reason,
  }));
}

/** Who tries tokens is told of, though not once for each. */
function createRefusalTeller(): (request: IncomingMessage, id: string) => void {
  const tell = createRareTeller((id: string) =>
    publish("policy", () => ({
      event: "admin.refused",
      level: "warn",
      traceId: id,
      code: "QSP-UNAUTHENTICATED",
      reason: "a wrong token or signature came to the private listener",
    })),
  );
  return ({ headers }, id) => {
    const hasTried = headers.authorization !== undefined || headers["webhook-signature"] !== undefined;
    if (hasTried) tell(id);
  };
}

/** GET is answered to HEAD too; node leaves the body away. */
const reads = (handler: AdminHandler): Readonly<Record<string, AdminHandler>> => ({
  GET: handler,
  HEAD: handler,
});

function createRoutes(options: AdminOptions, access: AdminAccess): ReadonlyMap<string, AdminRoute> {
  const { control, telemetry, readiness } = options;
  const revoker = createRevoker(control);
  const probe = (handler: AdminHandler): AdminRoute => ({ open: "probe", methods: reads(handler) });
  return new Map<string, AdminRoute>([
    ["/health/live", probe(() => ({ status: 200, body: { status: "live" } }))],
    [
      "/health/ready",
      probe(async () => {
        const status = await readiness();
        return { status: status === "ready" ? 200 : 503, body: { status } };
      }),
    ],
    ...createViews(telemetry, access),
    [
      "/sessions",
      {
        methods: {
          ...reads(({ query }) => listSessions(control, query)),
          DELETE: ({ query }) => deleteSessions(control, revoker, query),
        },
      },
    ],
    ["/revoke", { open: "POST", methods: { POST: createWebhook(options, access, revoker) } }],
  ]);
}

function createViews({ readings, console }: Telemetry, access: AdminAccess): readonly [string, AdminRoute][] {
  return [
    ["/", { open: "probe", methods: reads(createPage(access)) }],
    ["/console/state", { methods: reads(({ query }) => console.answer(query)) }],
    ["/metrics", { methods: reads(createScrape(readings)) }],
  ];
}

const createScrape =
  (readings: Telemetry["readings"]): AdminHandler =>
  async () => ({ status: 200, type: metricsType, body: formatMetrics(await readings.read()) });

/**
 * The console. Its page holds no data and may be seen with the refusal, so that a person can give the token there; what it
 * shows it asks for with the token.
 */
function createPage(access: AdminAccess): AdminHandler {
  let page: Promise<ConsolePage> | undefined;
  return async ({ request }) => {
    const isAllowed = access.holds(request);
    const refusal = access.refusal();
    if (!isAllowed && !isNavigation(request)) throw refusal;
    page ??= readConsolePage();
    const { headers, ...rest } = await page;
    return isAllowed
      ? { status: 200, ...rest, headers: { ...headers } }
      : { status: 401, ...rest, headers: { ...refusal.headers, ...headers } };
  };
}

/** Takes orders from who holds the token, and events that are signed. product B5 */
function createWebhook(options: AdminOptions, access: AdminAccess, revoker: Revoker): AdminHandler {
  const { now } = options;
  const deliveries = new Deliveries(now);
  return async ({ request }) => {
    if (access.holds(request)) {
      const order = parseOrder(await readBody(request));
      await revoker.carryOut(order, "POST /revoke with the token");
      return done;
    }
    const webhookKey = options.webhookKey();
    if (webhookKey === undefined || request.headers["webhook-signature"] === undefined)
      throw access.refusal();
    const head = readDeliveryHead(request.headers, now());
    const body = await readBody(request);
    requireSignature(webhookKey, head, body);
    const order = parseOrder(body);
    const { repeated } = await deliveries.once(head, body, () =>
      revoker.carryOut(order, "POST /revoke, signed"),
    );
    return repeated ? { status: 200, body: { status: "done", repeated } } : done;
  };
}

/** The answer to an event; it does not count, because a count would take longer than the end. */
const done: AdminAnswer = { status: 200, body: { status: "done" } };
