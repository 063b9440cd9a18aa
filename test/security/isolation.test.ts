/* One person's cookies and answers are never another's. attacks X2 X5 */
import { expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { startSocketTenant } from "../support/socket-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const users = ["ann", "bob", "cid", "dan", "eve"];

test("cookies that the tenant sets for five people at once each go into the jar of the one they were set for", async () => {
  const tenant = started.keep(await startNamedTenant());
  /** Names of the people in the cookies of a request, the session's first. */
  const mixed: string[] = [];
  let turn = 0;
  const ofOthers = (session: string, cookie: string): readonly string[] =>
    [...cookie.matchAll(/=(\w+)[~-]\d+/g)]
      .map(([, owner = ""]) => owner)
      .filter((owner) => owner !== session.split("~")[0]);
  tenant.onCall(async ({ session, request, response }) => {
    const { cookie = "" } = request.headers;
    if (ofOthers(session, cookie).length > 0) mixed.push(`${session}: ${cookie}`);
    turn += 1;
    const own = `${session.split("~")[0]}-${turn}`;
    // In another order than the requests came.
    for (let wait = turn % 7; wait > 0; wait -= 1) await new Promise((resolve) => setImmediate(resolve));
    const cookies = [`eas.turn=${own}; Path=/`, `AWSALB=${own}; Path=/`, `_csrfToken=${own}; Path=/`];
    response.writeHead(200, { "set-cookie": cookies, "content-type": "text/plain" }).end(session);
    return false;
  });
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  const ask = async (user: string): Promise<void> => {
    const answer = await stack.get("/api/v1/users/me", { user });
    expect(answer.text.split("~")[0]).toBe(user);
    expect(answer.rawHeaders.map((name) => name.toLowerCase())).not.toContain("set-cookie");
  };
  for (let round = 0; round < 20; round += 1) {
    await Promise.all([...users, ...users].map(ask));
  }
  expect(tenant.logins).toHaveLength(users.length);
  expect(turn).toBeGreaterThanOrEqual(200);
  expect(mixed).toEqual([]);
});

test("connections are one person's: none carries two sessions, static files go without any, sockets have their own", async () => {
  const tenant = started.keep(await startNamedTenant());
  const sessionsOf = new Map<number | undefined, Set<string>>();
  tenant.onCall(({ session, request }) => {
    const port = request.socket.remotePort;
    sessionsOf.set(port, (sessionsOf.get(port) ?? new Set()).add(session));
    return true;
  });
  tenant.onUpgrade(({ session, request, accept }) => {
    const port = request.socket.remotePort;
    expect(sessionsOf.get(port)).toBeUndefined();
    sessionsOf.set(port, new Set([`socket of ${session}`]));
    accept();
  });
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(
      users.flatMap((user) => [
        stack.get("/api/v1/users/me", { user }),
        stack.get("/qlik-embed/main.js", { user }),
        stack.get("/api/v1/licenses/allotments", {
          user,
          method: "POST",
          headers: { origin: stack.origin },
          body: "{}",
        }),
      ]),
    );
  }
  const sockets = users.map((user) => stack.socket("/app/a", { user }));
  await Promise.all(sockets.map(({ ws }) => new Promise((resolve) => void ws.once("open", resolve))));
  expect([...sessionsOf.values()].filter(({ size }) => size > 1)).toEqual([]);
  expect(new Set([...sessionsOf.values()].flatMap((each) => [...each])).size).toBe(2 * users.length + 1);
});

test("a message of one person's socket reaches that person", async () => {
  const tenant = started.keep(await startSocketTenant());
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  for (const user of users) {
    const socket = stack.socket("/app/a", { user });
    const { ws } = await tenant.next();
    ws.on("message", (data: Buffer) => ws.send(`for ${user}: ${data.toString()}`));
    await new Promise((resolve) => void socket.ws.once("open", resolve));
    for (let count = 0; count < 20; count += 1) socket.ws.send(`${user} ${count}`);
    await socket.message((text) => text.endsWith(" 19"));
    expect(socket.messages).toEqual(
      Array.from({ length: 20 }, (_, count) => `for ${user}: ${user} ${count}`),
    );
  }
});
