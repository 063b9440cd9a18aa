import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { expectTenantError } from "../support/assertions.ts";
import { createIssuer, openRequest, signIn, type SignedIn } from "../support/tenant-client.ts";

const issuer = createIssuer();
let tenant: TenantEmulator;
let ada: SignedIn;

beforeAll(async () => {
  tenant = await createTenantEmulator({
    plainHttp: true,
    identityProviders: [issuer],
    modes: { eventInterval: 40 },
  });
  ada = await signIn(tenant, issuer);
});

afterAll(async () => {
  await tenant.close();
});

const stream = "/api/v1/assistants/one/threads/two/actions/stream";

describe("server-sent events (facts §5.6)", () => {
  test("come one by one while the answer is made", async () => {
    const response = await openRequest(tenant, {
      method: "POST",
      path: stream,
      headers: { cookie: ada.cookie, "qlik-csrf-token": await ada.csrfToken() },
      body: JSON.stringify({ prompt: "Which apps?" }),
    });
    expect(response.headers["content-type"]).toBe("text/event-stream");
    expect(response.headers["content-encoding"]).toBeUndefined();
    const chunks: string[] = [];
    for await (const chunk of response) chunks.push((chunk as Buffer).toString("utf8"));
    expect(chunks.length).toBeGreaterThan(5);
    const words = chunks
      .join("")
      .split("\n")
      .filter((line) => line.startsWith("data: "))
      .map((line) => (JSON.parse(line.slice(6)) as { output: string }).output);
    expect(words.join("")).toContain("Ada Lindqvist, you asked: Which apps? This tenant has");
  });

  test("a client that goes away ends the stream", async () => {
    const response = await openRequest(tenant, {
      method: "POST",
      path: stream,
      headers: { cookie: ada.cookie, "qlik-csrf-token": await ada.csrfToken() },
      body: JSON.stringify({ prompt: "Which apps?" }),
    });
    response.once("data", () => response.destroy());
    await new Promise((resolve) => response.once("close", resolve));
    expect((await ada.ask({ path: "/api/v1/users/me" })).status).toBe(200);
  });

  test("without a prompt the answer is 400", async () => {
    expectTenantError(await ada.write({ method: "POST", path: stream, body: "{}" }), 400, "HTTP-400");
  });
});

describe("compression", () => {
  test("JSON is compressed for clients that accept gzip, and for no other", async () => {
    const plain = await ada.ask({ path: "/api/v1/items" });
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(plain.headers.vary).toContain("Accept-Encoding");
    for (const accept of ["gzip", "deflate, gzip;q=0.8, *;q=0.1"]) {
      const answer = await ada.ask({ path: "/api/v1/items", headers: { "accept-encoding": accept } });
      expect(answer.headers["content-encoding"]).toBe("gzip");
      expect(gunzipSync(answer.body).toString("utf8")).toBe(plain.text);
    }
    const refused = await ada.ask({ path: "/api/v1/items", headers: { "accept-encoding": "gzip;q=0" } });
    expect(refused.headers["content-encoding"]).toBeUndefined();
  });

  test("small answers stay as they are", async () => {
    const answer = await ada.ask({ path: "/api/v1/ui-config", headers: { "accept-encoding": "gzip" } });
    expect(answer.text).toBe("{}");
  });
});

describe("conditional requests", () => {
  test("answer 304 to the version that the client has", async () => {
    const { etag } = (await ada.ask({ path: "/api/v1/items" })).headers;
    const again = await ada.ask({ path: "/api/v1/items", headers: { "if-none-match": String(etag) } });
    expect(again.status).toBe(304);
    expect(again.body).toHaveLength(0);
    expect(again.setCookies.join()).toContain("AWSALB=");
    const other = await ada.ask({ path: "/api/v1/items", headers: { "if-none-match": '"x"' } });
    expect(other.status).toBe(200);
  });
});
