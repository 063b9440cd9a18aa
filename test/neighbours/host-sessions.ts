import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { browserOf, optionsFor, startTestTenant } from "../support/stack.ts";

/** Kinds of sessions that host applications have; each stands in `sessions/`, as the how-to shows it. */
export const sessionKinds = [
  "express-session",
  "jwt-cookie",
  "iron-session",
  "fastify-session",
  "fastify-secure-session",
  "auth-js",
] as const;

type Kind = (typeof sessionKinds)[number];

/** An application with a session of its own and a proxy; it does not listen yet. */
interface Recipe {
  open(options: object): Promise<{ readonly server: Server; close(): Promise<void> }>;
}

/** An address, since the tenant wants one. */
const ann = "ann@example.com";

interface Jar {
  cookie: string;
}

/** Sends what a browser would to a route of the application's own, and keeps its cookies. */
async function ask(jar: Jar, url: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(url, {
    redirect: "manual",
    headers: { origin: new URL(url).origin, cookie: jar.cookie },
    ...init,
  });
  const cookies = answer.headers.getSetCookie().map((each) => each.split(";", 1)[0] ?? "");
  jar.cookie = [jar.cookie, ...cookies].filter((each) => each !== "").join("; ");
  return answer;
}

/** Auth.js has a form of its own, with a token in it. */
async function signInAtAuthJs(jar: Jar, origin: string): Promise<void> {
  const { csrfToken } = (await (await ask(jar, `${origin}/auth/csrf`, {})).json()) as { csrfToken: string };
  const body = new URLSearchParams({ csrfToken, as: ann });
  await ask(jar, `${origin}/auth/callback/credentials`, { method: "POST", body });
}

async function signIn(kind: Kind, origin: string): Promise<string> {
  const jar: Jar = { cookie: "" };
  if (kind === "auth-js") await signInAtAuthJs(jar, origin);
  else await ask(jar, `${origin}/sign-in?as=${ann}`, { method: "POST" });
  return jar.cookie;
}

/** Forged in the middle of every value; the ends of a signature hold bits that nobody reads. */
const forged = (cookies: string): string =>
  cookies.replaceAll(/=([^;]{20,})/g, (_all, value: string) => {
    const middle = value.length >> 1;
    return `=${value.slice(0, middle)}${value[middle] === "A" ? "B" : "A"}${value.slice(middle + 1)}`;
  });

/** Whoever is signed in at the host is signed in at the tenant, by requests and by sockets; nobody else is. */
export async function visitWithSession(kind: Kind): Promise<void> {
  const tenant = await startTestTenant();
  const { publicOrigin: _, ...options } = optionsFor(tenant, "");
  const recipe = (await import(`./sessions/${kind}.mjs`)) as Recipe;
  const { server, close } = await recipe.open(options);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const { get, socket } = browserOf(origin, "/qlik");
  try {
    const cookie = await signIn(kind, origin);
    for (const headers of [{}, { cookie: forged(cookie) }]) {
      expect((await get("/api/v1/users/me", { user: null, headers })).status).toBe(401);
      expect((await socket("/app/engineData", { headers }).refused).status).toBe(401);
    }
    const me = await get("/api/v1/users/me", { user: null, headers: { cookie } });
    expect([me.status, me.text.includes(ann)]).toEqual([200, true]);
    const open = socket("/app/engineData", { headers: { cookie } });
    expect(await open.message()).toContain("OnConnected");
    expect(tenant.sockets.list().map(({ subject }) => subject)).toEqual([ann]);
  } finally {
    await close();
    server.closeAllConnections();
    server.close();
    await tenant.close();
  }
}
