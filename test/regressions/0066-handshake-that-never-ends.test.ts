/*
 * A client that connects to the TLS listener and says nothing, or half a handshake, was to be let go after ten seconds.
 * node reports it as any other error of a client, and we answered it: in plain words, through TLS that was never made. The
 * answer could not go out, the end waited for it, and the connection stayed for ever.
 */
import { generate } from "selfsigned";
import { expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { startOwnListener } from "../support/own-listener.ts";
import { connectTo } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test.each([
  ["says nothing", ""],
  ["begins a handshake", "\u0016\u0003\u0001\u0000\u00f0\u0001"],
])("a client of the TLS listener that %s is let go", async (_what, bytes) => {
  const name = [{ name: "commonName", value: "portal.localhost" }];
  const pair = await generate(name, { keyType: "ec", curve: "P-256", algorithm: "sha256" });
  const tls = { cert: pair.cert, key: pair.private };
  const { open, port } = await startOwnListener(started, tls, { handshake: 200 });
  const connection = await connectTo(`https://127.0.0.1:${port}`);
  connection.write(Buffer.from(bytes, "latin1"));
  await connection.closed;
  await eventually(() => expect(open.size).toBe(0));
});
