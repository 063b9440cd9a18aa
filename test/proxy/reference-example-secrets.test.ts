/* The fault of the vendor's reference example (facts §12) that puts secrets where others read them; the list of rows left out stands in reference-example-login. */
import { afterEach, expect, test } from "vitest";
import { observeProcess } from "../support/observed-process.ts";
import { startStack, testKey } from "../support/stack.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const items = "/api/v1/items?limit=2";

test("no secret is in an event, in an error or in the address of a request (facts §12)", async () => {
  const observed = observeProcess();
  open.push({ close: async () => observed.stop() });
  const stack = await startStack({ proxy: { policy: { presets: ["embed", "embed-write"] } } });
  open.push(stack);
  const first = await stack.get(items);
  const answers = [first];
  for (let round = 0; round < 3; round += 1) {
    answers.push(
      await stack.get("/api/v1/reports", {
        method: "POST",
        headers: { origin: stack.origin, "content-type": "application/json" },
        body: JSON.stringify({ type: "sense-image-1.0" }),
      }),
      await stack.get(`${items}&qlik-csrf-token=client`),
    );
    stack.tenant.sessions.expire();
  }
  const app = (first.json() as { data: { resourceId: string }[] }).data[0]?.resourceId ?? "";
  const socket = stack.socket(`/app/${app}`);
  await socket.message();
  stack.tenant.fault({ kind: "status", status: 401, path: "/**" });
  stack.tenant.sessions.expire();
  answers.push(await stack.get(items), await stack.get(items, { user: "bob" }));
  await stack.proxy.logout({ headers: { "x-test-user": "ann" } } as never);
  await socket.closed;

  const secrets = new Set(testKey.privateKey.split("\n").filter((line) => line.length > 40));
  for (const { headers, url } of stack.tenant.recordings()) {
    for (const [name, value] of headers) {
      const lower = name.toLowerCase();
      if (lower === "cookie")
        for (const part of value.split("; ")) secrets.add(part.slice(part.indexOf("=") + 1));
      if (lower === "qlik-csrf-token") secrets.add(value);
      if (lower === "authorization") for (const part of value.slice(7).split(".")) secrets.add(part);
    }
    const inQuery = /[?&]qlik-csrf-token=([^&]+)/.exec(url)?.[1];
    if (inQuery) secrets.add(decodeURIComponent(inQuery));
  }
  expect(secrets.size).toBeGreaterThan(20);
  const kinds = ["exchange.finished", "session.renewed", "session.ended", "login.succeeded", "socket.closed"];
  for (const kind of kinds) expect(observed.events.join("\n")).toContain(kind);
  const shown = [
    ...observed.events,
    ...answers.map(({ text, rawHeaders }) => text + rawHeaders.join("\n")),
  ].join("\n");
  for (const secret of secrets) expect(shown.includes(secret)).toBe(false);
  // facts §3: on a socket the tenant takes the token in the query; over HTTP it stands in a header only.
  const addresses = stack.tenant.recordings({ upgrade: false }).map(({ url }) => url);
  expect(addresses.filter((url) => url.includes("csrf-token="))).toEqual([]);
});
