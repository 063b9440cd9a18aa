/*
 * A tenant that refuses an upgrade may repeat the address that it refuses, and the address holds the session's CSRF token.
 * The proxy looked for the token as it is; compressed, or spelled as in the address, it went through to the browser.
 */
import { brotliCompressSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type NamedTenant, startNamedTenant } from "../support/named-tenant.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const token = "c4n4ry+8/=salt";
const path = "/app/4c5d";

/** A tenant that hands out the token, and refuses upgrades with what `say` makes of their address. */
async function start(say: (url: string) => { readonly body: Buffer; readonly headers?: readonly string[] }) {
  const tenant: NamedTenant = started.keep(await startNamedTenant());
  tenant.onCall(({ url, response }) => {
    if (url !== "/api/v1/csrf-token") return true;
    response.writeHead(204, { "qlik-csrf-token": token }).end();
    return false;
  });
  tenant.onUpgrade(({ request, socket }) => {
    const { body, headers = [] } = say(request.url ?? "");
    const lines = ["HTTP/1.1 404 Not Found", "Content-Type: text/plain", ...headers];
    socket.end(
      Buffer.concat([
        Buffer.from(`${[...lines, `Content-Length: ${body.length}`].join("\r\n")}\r\n\r\n`),
        body,
      ]),
    );
  });
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  return { tenant, stack };
}

/** The whole answer to an upgrade, head and body. */
async function refusal(stack: Awaited<ReturnType<typeof start>>["stack"]): Promise<Buffer> {
  const connection = await connectTo(stack.origin);
  const handshake = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    `Origin: ${stack.origin}`,
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Accept-Encoding: gzip, deflate, br",
  ];
  connection.write(requestHead(stack.origin, `GET /qlik${path} HTTP/1.1`, handshake));
  await connection.closed;
  return Buffer.from(connection.received, "latin1");
}

test.each<[string, (url: string) => { readonly body: Buffer; readonly headers?: readonly string[] }]>([
  ["as it is", (url) => ({ body: Buffer.from(`Cannot GET ${decodeURIComponent(url)}`) })],
  ["as in the address", (url) => ({ body: Buffer.from(`Cannot GET ${url}`) })],
  [
    "as in the address, in small letters",
    (url) => ({ body: Buffer.from(`Cannot GET ${url.replaceAll("%2B", "%2b")}`) }),
  ],
  ["in gzip", (url) => ({ body: gzipSync(url), headers: ["Content-Encoding: gzip"] })],
  ["in Brotli", (url) => ({ body: brotliCompressSync(url), headers: ["Content-Encoding: br"] })],
  ["in gzip, spelled oddly", (url) => ({ body: gzipSync(url), headers: ["content-encoding:  X-GZIP"] })],
])("a refusal that repeats the token %s reaches the browser without a body", async (_name, say) => {
  const { stack } = await start(say);
  const answer = (await refusal(stack)).toString("latin1");
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  expect(answer).toMatch(/content-length: 0\r\n/i);
  expect(answer).not.toMatch(/content-encoding/i);
  expect(answer.slice(answer.indexOf("\r\n\r\n") + 4)).toBe("");
  expect(answer).not.toContain("c4n4ry");
});

test("a refusal without it keeps its words, and is asked for in plain text", async () => {
  const asked: (string | undefined)[] = [];
  const { stack, tenant } = await start(() => ({ body: Buffer.from("No such app.") }));
  tenant.onUpgrade(({ request, socket }) => {
    asked.push(request.headers["accept-encoding"]);
    socket.end(
      "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nNo such app.",
    );
  });
  expect((await refusal(stack)).toString()).toMatch(/\r\n\r\nNo such app\.$/);
  expect(asked).toEqual(["identity"]);
});
