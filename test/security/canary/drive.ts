import { createHmac, randomBytes } from "node:crypto";
import { wire } from "../../support/kind-on-the-wire.ts";
import type { RawAnswer } from "../../support/raw-client.ts";
import { type CanaryBrowser, startCanaryBrowser } from "./browser.ts";
import type { CanaryTenant } from "./tenant.ts";
import type { CanaryServer } from "./world.ts";

const mint = (): string => `c4n4ry-${randomBytes(12).toString("hex")}`;

/** Values that a browser and a front door send, and that nobody may see again. */
export const sent: ReadonlyMap<string, string> = new Map(
  ["host cookie", "client's own token", "client's own CSRF token", "host session", "overlong header"].map(
    (name) => [name, mint()],
  ),
);

/** What is known of a person: it is in no log and no store, and only the person and the operator see it. */
export const personal: ReadonlyMap<string, string> = new Map(
  ["subject", "name", "e-mail", "group", "name that is no group"].map((name) => [name, mint()]),
);

const of = (name: string): string => sent.get(name) ?? personal.get(name) ?? "";

/** What the front door says of a person. */
const headersOf = (subject: string): Readonly<Record<string, string>> => ({
  "x-user-sub": `${of("subject")}-${subject}`,
  "x-user-name": of("name"),
  "x-user-email": `${of("e-mail")}@example.com`,
  "x-user-groups": JSON.stringify([of("group")]),
  "x-user-session": `${of("host session")}-${subject}`,
  cookie: `host.sid=${of("host cookie")}`,
  authorization: `Bearer ${of("client's own token")}`,
});

/** Starts the browser of a person. */
export const browserOf = (server: CanaryServer, subject: string): CanaryBrowser =>
  startCanaryBrowser(server, { headers: headersOf(subject) });

const me = "/api/v1/users/me";

/** Requests, renewals and what goes wrong with the tenant. */
async function work(ann: CanaryBrowser, tenant: CanaryTenant): Promise<void> {
  await ann.ask(me);
  tenant.forgetAll();
  await ann.ask(me);
  await ann.ask("/api/v1/items/a", {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  for (const name of ["headers", "broken", "silent", "expired"]) {
    await ann.ask(`/api/v1/items/${name}`);
    await ann.visit(`/api/v1/items/${name}`);
  }
  await ann.ask("/api/v1/items/cut");
  const [ofToken = "", ...others] = wire.parameters;
  const own = `${ofToken}=${of("client's own CSRF token")}&${others.at(-1)}=${of("client's own token")}`;
  await ann.ask(`/api/v1/items?${own}`, { headers: { "qlik-csrf-token": of("client's own CSRF token") } });
  for (const path of ["echo", "packed", "broken"]) await ann.socket(`/app/${path}?${own}`);
  await ann.socket(`/app/ok?${own}`, (text) => text.includes("hello"));
  await ann.socket(`/app/ok?${own}`);
  await ann.stream("/_session/events", (text) => text.includes(": open"));
}

/** What we refuse, as data and as a page. */
async function beRefused(ann: CanaryBrowser): Promise<void> {
  const wrong: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    [`/%2e%2e/${of("host cookie")}`, {}],
    [`/api/v1/users/${of("host cookie")}`, {}],
    [me, { "sec-fetch-site": "cross-site", origin: "https://evil.example" }],
    [me, { "x-user-sub": "" }],
    [me, { "x-user-groups": of("name that is no group") }],
    [me, { host: "evil.example" }],
    [`/login?returnto=https://evil.example/${of("host cookie")}`, {}],
  ];
  for (const [path, headers] of wrong) {
    await ann.ask(path, { headers });
    await ann.visit(path, { headers });
  }
  await ann.ask("/api/v1/items/a", { method: "POST", body: of("host cookie").repeat(50) });
  const overlong = { "x-more": of("overlong header").repeat(2500) };
  // The connection may be reset before all of it was sent.
  await ann.ask(me, { headers: overlong }).catch(() => {});
}

/** Logins that the tenant refuses; the last one holds back all others for a while. */
async function beRefusedByTheTenant(server: CanaryServer): Promise<readonly CanaryBrowser[]> {
  const people = ["disabled", "mistaken", "unheard", "throttled"].map((name) => browserOf(server, name));
  for (const person of people) {
    await person.ask(me);
    await person.visit(me);
    await person.socket("/app/ok");
  }
  return people;
}

function signed(body: string, key: string): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", key).update(`1.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": "1", "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}

/** Everything that the private listener does, for who may and who may not. */
async function operate(
  operator: CanaryBrowser,
  { token, webhookSecret }: { readonly token: string; readonly webhookSecret: string },
): Promise<RawAnswer> {
  const authorization = `Bearer ${token}`;
  const pages = ["/", "/metrics", "/console/state", `/console/state?event=${token}`];
  const others = ["/health/live", "/health/ready", "/sessions", "/elsewhere", `/sessions?key=${token}`];
  for (const path of [...pages, ...others]) {
    await operator.admin("GET", path);
    await operator.admin("GET", path, { headers: { authorization: `Bearer ${token}x` } });
    await operator.admin("GET", path, { headers: { authorization } });
    await operator.admin("GET", path, { headers: { accept: "text/html", "sec-fetch-mode": "navigate" } });
  }
  const order = JSON.stringify({ subject: `${of("subject")}-bob` });
  await operator.admin("POST", "/revoke", { body: order, headers: signed(order, `${webhookSecret}x`) });
  await operator.admin("POST", "/revoke", { body: order, headers: signed(order, webhookSecret) });
  await operator.admin("POST", "/revoke", { body: `{"subject":"${token}`, headers: { authorization } });
  await operator.admin("DELETE", "/sessions?subject=nobody", { headers: { authorization } });
  return operator.admin("GET", "/sessions", { headers: { authorization } });
}

/** What a drive has left behind. */
export interface Driven {
  readonly browsers: readonly CanaryBrowser[];
  /** The keys of the sessions that the operator was shown. */
  readonly keys: readonly string[];
}

/** Makes a server do everything that it does, and stops it. */
export async function drive(
  server: CanaryServer,
  tenant: CanaryTenant,
  secrets: { readonly token: string; readonly webhookSecret: string },
): Promise<Driven> {
  const ann = browserOf(server, "ann");
  const bob = browserOf(server, "bob");
  await work(ann, tenant);
  await beRefused(ann);
  await bob.ask(me);
  const listed = (await operate(ann, secrets)).json() as readonly { readonly key: string }[];
  for (const path of ["/_session", "/login", "/logout"]) await ann.visit(path);
  const refused = await beRefusedByTheTenant(server);
  server.command.signal("SIGHUP");
  await server.command.line((line) => line.includes("server.reloaded"));
  await bob.ask("/_session", { method: "DELETE" });
  server.command.signal("SIGTERM");
  await server.command.line((line) => line.includes("server.draining"));
  await ann.visit("/logout");
  await server.command.ended;
  const browsers = [ann, bob, ...refused];
  for (const each of browsers) each.close();
  return { browsers, keys: listed.map(({ key }) => key) };
}
