/* An identity source that signs people in itself, before several tenants: what ends a sign-in ends it everywhere. rules R1 */
import type { IncomingMessage } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Identify } from "../../src/identity/identify.ts";
import type { SignInHouse } from "../../src/identity/sign-in-source.ts";
import { startTwoTenants, type TenantName, type TwoTenants } from "../support/two-tenants.ts";

const names: readonly TenantName[] = ["acme", "globex"];
const houses: SignInHouse[] = [];

/** Believes a header, as long as it is the source of a house. */
const identify: Identify = Object.assign(() => null, {
  openIn(house: SignInHouse) {
    houses.push(house);
    return {
      identify: ({ headers }: Pick<IncomingMessage, "headers">) => {
        const [subject, sessionId = ""] = [headers["x-test-user"] ?? ""].join("").split("/");
        return subject ? { subject, sessionId, email: `${subject}@example.com` } : null;
      },
      answer: () => Promise.resolve({ status: 204 }),
      begin: () => Promise.resolve({ to: "/", setCookies: [] }),
      end: () => Promise.resolve({ to: null, setCookies: [] }),
      tidy: () => [],
      close() {},
    };
  },
});

let folder = "";
let pair: TwoTenants;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "qsp-sign-in-"));
  pair = await startTwoTenants({
    by: "prefix",
    proxy: { identify, store: `file:${folder}`, secret: "s".repeat(32) },
  });
});
afterAll(async () => {
  await pair.close();
  rmSync(folder, { recursive: true, force: true });
});

const listed = async (subject: string): Promise<readonly string[]> =>
  (await pair.proxy.sessions.list(subject)).map(({ tenant = "" }) => tenant).toSorted();

const enter = async (user: string): Promise<void> => {
  for (const name of names) expect((await pair.get(name, "/api/v1/items", { user })).status).toBe(200);
};

test("an order to log one sign-in out, which comes to one tenant, ends its sessions at both", async () => {
  await enter("ann/1");
  await enter("ann/2");
  await houses[0]?.logout({ subject: "ann", sessionId: "1" });
  expect(await listed("ann")).toEqual(names);
});

test("an order for everything of a person does so too", async () => {
  await enter("bob/1");
  await houses[1]?.revoke("bob");
  expect(await listed("bob")).toEqual([]);
});

test("in memory, where one tenant does not know who signed in at another, it is refused", async () => {
  await expect(startTwoTenants({ by: "prefix", proxy: { identify } })).rejects.toThrow(/store: is memory/);
});
