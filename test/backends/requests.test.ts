import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { getItems } from "@qlik/api/items";
import { getMyUser } from "@qlik/api/users";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { everyKind, subjectAt, testClient, valueOf } from "../support/tenant-kind.ts";
import { openEnigma } from "../support/vendor-enigma.ts";
import { portalConfig } from "../support/vendor-qlik-api.ts";
import { alice, startVendorStack, type VendorStack } from "../support/vendor-stack.ts";

/*
 * What travels to a tenant of each kind, and what comes back: the local tenant refuses everything that is not as its kind
 * wants it, so an answer shows that it was.
 */

const channels = ["exchange", "session", "login", "socket"] as const;

describe.each(everyKind)("at %s", (kind) => {
  let world: VendorStack;
  const events: unknown[] = [];
  const answers: RawAnswer[] = [];
  const hear = (event: unknown): void => void events.push(event);
  beforeAll(async () => {
    for (const name of channels) subscribe(`qsp:${name}`, hear);
    world = await startVendorStack({ kind });
  });
  afterAll(async () => {
    for (const name of channels) unsubscribe(`qsp:${name}`, hear);
    await world.close();
  });

  const get = async (...args: Parameters<VendorStack["stack"]["get"]>): Promise<RawAnswer> => {
    const [path, options] = args;
    const headers = { host: new URL(world.door.origin).host, origin: world.door.origin, ...options?.headers };
    const answer = await world.stack.get(path, { user: alice, ...options, headers });
    answers.push(answer);
    return answer;
  };
  const last = (path: string) => world.tenant.recordings({ path }).at(-1);

  test("the vendor's REST client reads, and follows links that stay with us", async () => {
    const as = { hostConfig: portalConfig(world, alice), noCache: true };
    const { data } = await getMyUser(as);
    expect(data.subject).toBe(subjectAt(kind, alice));
    const page = await getItems({ limit: 1 }, as);
    const next = (page.data.links as { next: { href: string } }).next.href;
    expect(next.startsWith(`${world.host}/api/v1/items?`)).toBe(true);
    expect(page.next === undefined).toBe(false);
    expect((await page.next?.(as))?.status).toBe(200);
  });

  test("the vendor's engine client opens an app and gets what it asks for", async () => {
    const { session, doc } = await openEnigma({
      host: world.host,
      path: APP_ID.sales,
      headers: world.headersOf(alice),
    });
    const layout = await doc.getAppLayout();
    expect(layout.qTitle).toBe("Sales performance");
    await session.close();
    await world.idle();
  });

  test("an upload arrives whole, small ones and large ones, and is read back by range", async () => {
    for (const size of [10, 3_000_000]) {
      const body = randomBytes(size);
      const made = await get("/api/v1/temp-contents", {
        method: "POST",
        body,
        headers: { "content-type": "application/octet-stream" },
      });
      expect(made.status).toBe(201);
      const location = made.header("location") ?? "";
      expect(location.startsWith(`${world.host}/api/v1/temp-contents/`)).toBe(true);
      const path = location.slice(world.host.length);
      const read = await get(path, { headers: { range: "bytes=2-5" } });
      expect([read.status, read.body]).toEqual([206, body.subarray(2, 6)]);
    }
  });

  test("what the browser says in our place does not travel, and nothing is said twice", async () => {
    const query =
      "limit=1&xrfkey=aaaaaaaaaaaaaaaa&accessToken=forged&qlik-csrf-token=forged&qlikTicket=forged" +
      (kind === "qlik-sense-jwt"
        ? "&XrfKey=aaaaaaaaaaaaaaaa&QlikTicket=forged&%51LIKTICKET=forged&Qlik-CSRF-Token=forged"
        : "");
    const answer = await get(`/api/v1/items?${query}`, {
      headers: {
        authorization: "Bearer forged",
        cookie: "X-Qlik-Session-jwt=forged; eas.sid=forged",
        "x-qlik-xrfkey": "aaaaaaaaaaaaaaaa",
        "x-qlik-user": "UserDirectory=INTERNAL; UserId=sa_api",
        "qlik-csrf-token": "forged",
      },
    });
    expect(answer.status).toBe(200);
    const seen = last("/api/v1/items");
    const owned = kind === "qlik-sense-jwt" ? ["aaaaaaaaaaaaaaaa", "qlikTicket"] : ["accessToken"];
    const sent = JSON.stringify([
      seen?.url.replaceAll(kind === "qlik-sense-jwt" ? "accessToken=forged" : "qlikTicket=forged", ""),
      seen?.headers,
    ]);
    for (const text of ["Bearer forged", "=forged", "UserDirectory", ...owned])
      expect(sent).not.toContain(text);
  });

  test("a request shows whose it is in the way of its kind, and in no other", async () => {
    await get("/api/v1/items?limit=1");
    const seen = last("/api/v1/items");
    if (seen === undefined) throw new Error("nothing was sent");
    const cookie = valueOf(seen, "cookie") ?? "";
    const shown = {
      bearer: valueOf(seen, "authorization")?.startsWith("Bearer ") ?? false,
      cloudCookie: cookie.includes("eas.sid="),
      senseCookie: cookie.includes("X-Qlik-Session-jwt="),
      xrf: valueOf(seen, "x-qlik-xrfkey") !== undefined && seen.url.includes("xrfkey="),
      below: seen.url.startsWith("/jwt/"),
      origin: valueOf(seen, "origin") !== undefined,
    };
    const none = {
      bearer: false,
      cloudCookie: false,
      senseCookie: false,
      xrf: false,
      below: false,
      origin: false,
    };
    expect(shown).toEqual(
      {
        "qlik-cloud-jwt": { ...none, cloudCookie: true },
        "qlik-cloud-oauth": { ...none, bearer: true },
        "qlik-sense-jwt": { ...none, senseCookie: true, xrf: true, below: true },
      }[kind],
    );
  });

  test("the session's own requests of a browser never reach the tenant", async () => {
    const paths = ["/oauth/token", "/qps/user", "/qps/csrftoken", "/login/jwt-session"];
    for (const path of paths) {
      expect((await get(path, { method: "POST" })).status).toBe(404);
      expect((await get(path)).status).toBe(404);
    }
  });

  test("no secret has come out: not in an answer, not in an event", async () => {
    const secrets = new Set<string>([testClient.clientSecret]);
    for (const { headers, url } of world.tenant.recordings()) {
      for (const [name, value] of headers) {
        if (!/^(?:authorization|cookie|qlik-csrf-token)$/i.test(name)) continue;
        for (const part of value.split(/[ =;]+/)) if (part.length >= 20) secrets.add(part);
      }
      const token = /qlik-csrf-token=([^&]+)/.exec(url)?.[1];
      if (token !== undefined) secrets.add(token);
    }
    expect(secrets.size).toBeGreaterThan(1);
    const told = JSON.stringify([events, answers.map(({ rawHeaders, text }) => [rawHeaders, text])]);
    expect(events.length).toBeGreaterThan(5);
    expect([...secrets].filter((secret) => told.includes(secret))).toEqual([]);
  });
});
