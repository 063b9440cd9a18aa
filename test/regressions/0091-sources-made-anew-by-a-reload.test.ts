/*
 * A reload made the identity source anew, also where nothing of it had changed: the keys of the provider and when each token
 * was first seen were forgotten, and the connections to the host application that is asked stayed open, unused.
 */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadServerConfig } from "../../src/server.ts";
import { type IdentityStack, items, startIdentityStack } from "../identity/identity-stack.ts";
import { createLatch } from "../support/latch.ts";
import { cleanedUp } from "../support/started.ts";
import { startTokenIssuer } from "../support/token-issuer.ts";
import { startWhoamiApp } from "../support/whoami-app.ts";

const started = cleanedUp();

/** Reloads with one text of the configuration in the place of another. */
function reload({ folder, server }: IdentityStack, from: string, to: string): void {
  const text = readFileSync(join(folder.path, "config.yaml"), "utf8");
  expect(text).toContain(from);
  const file = folder.write("config.yaml", text.replace(from, to));
  server.prepareReload(loadServerConfig({ file, environment: {} }).config)();
}

const frames = (origin: string): string => `frameAncestors: ["${origin}"]`;
const more = frames("https://a.example");

test("keys are known on after a reload of something else, and read anew where their source has changed", async () => {
  const provider = started.keep(await startTokenIssuer());
  const { issuer, audience, jwksUrl } = provider;
  const source = `  bearer: { jwksUrl: "${jwksUrl}", issuer: "${issuer}", audience: "${audience}" }`;
  const stack = started.keep(await startIdentityStack(source, { more }));
  const token = { authorization: `Bearer ${await provider.token({ sub: "ann" })}` };
  expect((await stack.get(items, token)).status).toBe(200);
  reload(stack, more, frames("https://b.example"));
  expect((await stack.get(items, token)).status).toBe(200);
  expect(provider.questions).toBe(1);
  reload(stack, `audience: "${audience}"`, `audience: "${audience}", jwksCooldown: 1s`);
  expect((await stack.get(items, token)).status).toBe(200);
  expect(provider.questions).toBe(2);
});

test("a source that is replaced answers what it was asked, and leaves no connection behind", async () => {
  const app = started.keep(await startWhoamiApp());
  const stack = started.keep(
    await startIdentityStack(`  whoami: { url: "${app.url}", cacheFor: 0s }`, { more }),
  );
  app.users.set("a", { subject: "ann" });
  const gate = createLatch();
  const sockets = new Set<Socket>();
  app.answer((request, response) => {
    sockets.add(request.socket);
    void gate.opened.then(() => app.usual(request, response));
  });
  const open = (): number => [...sockets].filter(({ destroyed }) => !destroyed).length;
  const ann = { cookie: "app=a" };
  const waiting = stack.get("/_session", ann);
  await expect.poll(open).toBe(1);
  reload(stack, "cacheFor: 0s", "cacheFor: 1ms");
  gate.open();
  expect((await waiting).json()).toMatchObject({ subject: "ann" });
  await expect.poll(open).toBe(0);

  expect((await stack.get("/_session", ann)).json()).toMatchObject({ subject: "ann" });
  expect(open()).toBe(1);
  reload(stack, more, frames("https://b.example"));
  expect((await stack.get("/_session", ann)).json()).toMatchObject({ subject: "ann" });
  expect([sockets.size, open()]).toEqual([2, 1]);
  reload(stack, "cacheFor: 1ms", "cacheFor: 2ms");
  await expect.poll(open).toBe(0);

  expect((await stack.get("/_session", ann)).json()).toMatchObject({ subject: "ann" });
  expect(open()).toBe(1);
  await stack.server.close();
  await expect.poll(open).toBe(0);
});
