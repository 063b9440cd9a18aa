// A CommonJS project: requires every door that it is told of, and takes one request through the proxy.
const { once } = require("node:events");
const { createServer } = require("node:http");
const { createSessionProxy } = require("qlik-session-proxy");
const { createTestTenant } = require("qlik-session-proxy/testing");

const doors = Object.fromEntries(process.argv.slice(2).map((door) => [door, Object.keys(require(door))]));

async function main() {
  // Whoever imports elsewhere in the same process must get the same classes and the same channels.
  const isSame = (await import("qlik-session-proxy")).createSessionProxy === createSessionProxy;
  const tenant = await createTestTenant();
  const qlik = createSessionProxy({ ...tenant.proxyOptions, identify: tenant.identify });
  const server = createServer(qlik).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/qlik/api/v1/users/me`;
  const { status } = await fetch(url, { headers: tenant.signedIn("alice@example.test") });
  server.closeAllConnections();
  server.close();
  await qlik.close();
  await tenant.close();
  process.stdout.write(JSON.stringify({ doors, status, isSame }));
}
void main();
