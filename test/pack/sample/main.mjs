// A project of ES modules: imports every door that it is told of, and takes one request through the proxy.
import { once } from "node:events";
import { createServer } from "node:http";
import { createSessionProxy } from "qlik-session-proxy";
import { createTestTenant } from "qlik-session-proxy/testing";

const doors = {};
for (const door of process.argv.slice(2)) doors[door] = Object.keys(await import(door));

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
process.stdout.write(JSON.stringify({ doors, status }));
