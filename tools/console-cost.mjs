// What metrics and the console cost a built server that has nothing else to do: its CPU time as a share of one core,
// without a private listener, with one, and with a console that is open on it.
// `node tools/console-cost.mjs [seconds]`: 15 seconds for each by default.
import { fork } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const token = "a-token-for-measuring-only-0123456789";
const file = fileURLToPath(import.meta.url);

/** What the page of the console asks for, as often as it does. */
async function watchConsole(url) {
  const headers = { Authorization: `Bearer ${token}` };
  const state = { point: 0, event: 0 };
  for (let turn = 0; ; turn += 1) {
    const answer = await fetch(`${url}/console/state?point=${state.point}&event=${state.event}`, { headers });
    const { points, events } = await answer.json();
    state.point = points.at(-1)?.at ?? state.point;
    state.event = events.at(-1)?.id ?? state.event;
    if (turn % 2 === 0) await (await fetch(`${url}/sessions?limit=100`, { headers })).text();
    await sleep(2000);
  }
}

async function startServer(hasAdmin) {
  const { createStandaloneServer, Secret } = await import("../dist/server.js");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const listen = { host: "127.0.0.1", port: 0 };
  return createStandaloneServer({
    listen,
    ...(hasAdmin ? { admin: { listen, token: new Secret(token) } } : {}),
    options: {
      tenant: {
        origin: "http://127.0.0.1:1",
        signingKeys: [{ issuer: "acme-portal", keyId: "2026-01", privateKey: pem }],
      },
      identify: () => null,
      publicOrigin: "http://portal.localhost:8443",
      secret: "a-secret-of-thirty-two-bytes-or-so",
      unsafe: { plainHttpTenant: true, plainHttpPublic: true },
    },
    drain: { delay: 0, deadline: 1000 },
  });
}

async function measure(name, { hasAdmin, isWatched }, seconds) {
  const server = await startServer(hasAdmin);
  const watcher = isWatched ? fork(file, ["watch", server.adminUrl]) : undefined;
  // The first answers are made by code that is not warm yet.
  await sleep(3000);
  const before = process.cpuUsage();
  await sleep(seconds * 1000);
  const { user, system } = process.cpuUsage(before);
  watcher?.kill();
  await server.close();
  console.log(`${name}: ${((user + system) / seconds / 10_000).toFixed(2)} % of a core`);
}

const [first = "15", second = ""] = process.argv.slice(2);
if (first === "watch") await watchConsole(second);
else {
  const seconds = Number(first);
  await measure("no private listener", { hasAdmin: false, isWatched: false }, seconds);
  await measure("a private listener, nobody looks", { hasAdmin: true, isWatched: false }, seconds);
  await measure("a console is open", { hasAdmin: true, isWatched: true }, seconds);
}
