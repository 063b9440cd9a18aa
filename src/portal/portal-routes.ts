import type { IncomingMessage, ServerResponse } from "node:http";
import type { SessionProxy } from "../proxy/session-proxy.ts";
import type { DashboardContent } from "./dashboard-content.ts";
import { dashboardPage } from "./dashboard-page.ts";
import { directPage, directPolicy } from "./direct-page.ts";
import type { HostSession, HostSessions } from "./host-sessions.ts";
import { strictPolicy } from "./page.ts";
import type { PortalTenant } from "./portal-tenant.ts";
import { sampleUsers } from "./sample-users.ts";
import { signInPage } from "./sign-in-page.ts";
import type { StaticFiles } from "./static-files.ts";

/** What the routes of the portal work with. */
export interface PortalParts {
  readonly origin: string;
  readonly prefix: string;
  readonly tenant: PortalTenant;
  readonly content: DashboardContent;
  readonly sessions: HostSessions;
  readonly assets: StaticFiles;
  readonly qlik: SessionProxy;
}

type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A form has one field with a short value; more is not read. */
const maxFormBytes = 1024;

function sendPage(response: ServerResponse, page: string, policy: string): void {
  response.writeHead(200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": policy,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(page);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
  response.end(`${text}\n`);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > maxFormBytes) break;
  }
  return new URLSearchParams(text.slice(0, maxFormBytes));
}

const signInPath = "/sign-in";

function leadTo(response: ServerResponse, location: string, cookies: readonly string[]): void {
  response.writeHead(303, { Location: location, "Set-Cookie": [...cookies], "Cache-Control": "no-store" });
  response.end();
}

/** Whose page it is: who comes for the first time sees charts at once, as the first person; who signed out is asked. */
function enter(
  request: IncomingMessage,
  response: ServerResponse,
  sessions: HostSessions,
): HostSession | null {
  const known = sessions.find(request);
  if (known !== undefined) return known;
  const [first] = sampleUsers;
  if (first === undefined || sessions.wasHere(request)) return null;
  const { session, cookies } = sessions.start(first);
  response.setHeader("Set-Cookie", [...cookies]);
  return session;
}

function pageRoutes({ origin, prefix, tenant, content, sessions }: PortalParts): Record<string, Route> {
  return {
    "GET /": (request, response) => {
      const session = enter(request, response, sessions);
      if (session === null) return leadTo(response, signInPath, []);
      const page = dashboardPage({
        user: session.user,
        others: sampleUsers.filter(({ key }) => key !== session.user.key),
        qlikHost: origin + prefix,
        tenantOrigin: tenant.origin,
        content,
        canExpire: tenant.control !== undefined,
      });
      sendPage(response, page, strictPolicy);
    },
    "GET /sign-in": (_request, response) => sendPage(response, signInPage(), strictPolicy),
    "GET /direct": (_request, response) => {
      const { origin: tenantOrigin, webIntegrationId } = tenant;
      const { appId, charts } = content;
      const page = directPage({ tenantOrigin, webIntegrationId, appId, objectId: charts.bar });
      sendPage(response, page, directPolicy(tenantOrigin));
    },
  };
}

function actionRoutes({ tenant, sessions, qlik }: PortalParts): Record<string, Route> {
  /** Ends the user's Qlik content and the portal's session, this one even if the other fails. */
  async function signOut(request: IncomingMessage): Promise<string> {
    try {
      await qlik.logout(request);
    } finally {
      sessions.end(request);
    }
    return sessions.removalCookie;
  }
  return {
    "POST /sign-in": async (request, response) => {
      const key = (await readForm(request)).get("user");
      const user = sampleUsers.find((each) => each.key === key);
      if (user === undefined) return sendText(response, 400, "There is no such sample user.");
      // Whoever was signed in before on this browser is signed out, in Qlik too.
      await signOut(request);
      leadTo(response, "/", sessions.start(user).cookies);
    },
    "POST /sign-out": async (request, response) => {
      request.resume();
      leadTo(response, signInPath, [await signOut(request)]);
    },
    "POST /expire-qlik-session": async (request, response) => {
      request.resume();
      const session = sessions.find(request);
      if (session === undefined) return sendText(response, 401, "Nobody is signed in.");
      if (tenant.control === undefined) return sendText(response, 404, "This tenant has no such control.");
      await tenant.control.expire(session.user.subject);
      response.writeHead(204, { "Cache-Control": "no-store" }).end();
    },
  };
}

/** The portal's own pages and actions; everything that is not the proxy's. */
export function createPortalRoutes(
  parts: PortalParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { origin, assets } = parts;
  const { host } = new URL(origin);
  const routes: Readonly<Record<string, Route>> = { ...pageRoutes(parts), ...actionRoutes(parts) };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
    // One host name only: cookies and the proxy belong to it.
    if (request.headers.host !== host) {
      if (method !== "GET") return sendText(response, 421, `This is ${origin}.`);
      response.writeHead(307, { Location: `${origin}/` }).end();
      return;
    }
    // Browsers name the page's origin on every POST.
    if (method === "POST" && request.headers.origin !== origin)
      return sendText(response, 403, "This action is for the portal's own pages.");
    if (
      method === "GET" &&
      path.startsWith("/assets/") &&
      assets.send(path.slice("/assets/".length), response)
    )
      return;
    const route = routes[`${method} ${path}`];
    if (route === undefined) return sendText(response, 404, "There is no such page.");
    await route(request, response);
  }

  return (request, response) => {
    answer(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else sendText(response, 500, "The portal could not do this.");
    });
  };
}
