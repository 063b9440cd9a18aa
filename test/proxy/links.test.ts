import { describe, expect, test } from "vitest";
import { generatedBytes } from "../../src/emulator/temp-contents.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import type { RawHandler } from "../support/raw-upstream.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";
import { subjectAt, tenantKind } from "../support/tenant-kind.ts";

const started = cleanedUp();
const policy = { presets: ["embed", "embed-write"] };

/** What a client does with an absolute link: takes it as it is. */
function follow(stack: Stack, link: string | undefined, options: Parameters<Stack["get"]>[1] = {}) {
  expect(link).toMatch(`${stack.origin}/qlik/`);
  return stack.get((link ?? "").slice(`${stack.origin}/qlik`.length), options);
}

/** A raw tenant whose answer is made with what its own links begin with. */
async function answering(make: (address: string) => string): Promise<RawStack> {
  let address = "";
  const handler: RawHandler = (_request, socket) => socket.write(make(address));
  const both = await started.raw(handler);
  address = both.upstream.address;
  return both;
}

const json = (body: string, head = ""): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${head}\r\n${body}`;

interface Page {
  readonly data: readonly {
    readonly name: string;
    readonly links: Record<string, { readonly href: string }>;
  }[];
  readonly links: Record<string, { readonly href: string } | undefined>;
}

describe("absolute links of the tenant", () => {
  test("a list is read page by page, forwards and backwards, by its own links", async () => {
    const stack = await started.stack();
    const whole = (await stack.get("/api/v1/items?limit=100")).json() as Page;
    expect(whole.data.length).toBeGreaterThan(2);
    const names: string[] = [];
    const pages: string[] = [];
    let answer = await stack.get("/api/v1/items?limit=1&query=");
    for (;;) {
      const page = answer.json() as Page;
      expect(answer.text).not.toContain(stack.tenant.origin);
      names.push(...page.data.map(({ name }) => name));
      pages.push(page.links["self"]?.href ?? "");
      const next = page.links["next"]?.href;
      if (next === undefined) break;
      answer = await follow(stack, next);
    }
    expect(names).toEqual(whole.data.map(({ name }) => name));
    const back = (answer.json() as Page).links["prev"]?.href;
    expect((await follow(stack, back)).text).toContain(pages.at(-2));
  });

  test("links of an entry lead through the proxy", async () => {
    const stack = await started.stack();
    const page = (await stack.get("/api/v1/items?limit=1")).json() as Page;
    const self = page.data[0]?.links["self"]?.href;
    expect((await follow(stack, self)).json()).toMatchObject({ name: page.data[0]?.name });
  });

  test("a report is asked for, waited for and fetched by what the tenant says", async () => {
    const stack = await started.stack({ proxy: { policy } });
    const asked = await stack.get("/api/v1/reports", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ type: "sense-image-1.0" }),
    });
    const { outputsUrl } = asked.json() as { outputsUrl: string };
    expect(asked.header("location")).toMatch(/^\/qlik\/api\/v1\/reports\/.*\/status$/);
    stack.tenant.clock.advance(1000);
    const status = await follow(stack, stack.origin + (asked.header("location") ?? ""));
    const { results } = status.json() as { results: { location: string }[] };
    const outputs = (await follow(stack, outputsUrl)).json() as { data: { location: string }[] };
    expect(outputs.data[0]?.location).toBe(results[0]?.location);
    const pdf = await follow(stack, results[0]?.location);
    expect([pdf.status, pdf.header("content-type"), pdf.text.slice(0, 5)]).toEqual([
      200,
      "application/pdf",
      "%PDF-",
    ]);
  });

  test("only links are rewritten, and only where they stand as links", async () => {
    const make = (address: string, base: string): string =>
      JSON.stringify({
        name: `Report of ${address}/sense`,
        description: address,
        url: `${address}/api/v1/items`,
        href: `${base}/a?return=${address}/b&x=%2F#${address}`,
        nested: [
          { href: `${base}` },
          { href: `${address}.evil.example/` },
          { href: `https://other.example/?u=${address}` },
        ],
        links: { self: `${base}/c`, deep: { note: `${address}/d`, href: `${base}/e` } },
        location: `${address}/f`,
      });
    const { stack, upstream } = await answering((address) => json(make(address, address)));
    const answer = await stack.get("/api/v1/items");
    expect(answer.text).toBe(make(upstream.address, `${stack.origin}/qlik`));
  });

  test.each([
    ["outside /api", "/resources/data.json", (body: string) => json(body)],
    [
      "in an attachment",
      "/api/v1/items/a",
      (body: string) => json(body, "Content-Disposition: attachment\r\n"),
    ],
    ["in text", "/api/v1/items/a", (body: string) => json(body).replace("application/json", "text/plain")],
    [
      "in an event stream",
      "/api/v1/items/a",
      (body: string) => json(body).replace("application/json", "text/event-stream"),
    ],
    ["in an error", "/api/v1/items/a", (body: string) => json(body).replace("200 OK", "404 Not Found")],
    ["in a part", "/api/v1/items/a", (body: string) => json(body).replace("200 OK", "206 Partial Content")],
  ])("nothing is rewritten %s", async (_name, path, wrap) => {
    const { stack, upstream } = await answering((address) => wrap(JSON.stringify({ href: `${address}/x` })));
    const answer = await stack.get(path);
    expect(answer.json()).toEqual({ href: `${upstream.address}/x` });
    expect(answer.header("content-length")).toBe(String(answer.body.length));
  });

  test("a body without a link comes in its own bytes, whatever their spelling", async () => {
    const body =
      '\ufeff { "a" : [1.0e+2, "\\u0041\\/"] ,\r\n"href":"/relative", "b":"\u00fc" } \n not json {"href":"';
    const { stack } = await started.raw((_request, socket) => void socket.write(json(body)));
    expect((await stack.get("/api/v1/items")).text).toBe(body);
  });

  test("a request's body goes to the tenant as it is", async () => {
    const { stack, upstream } = await started.raw();
    const body = JSON.stringify({ href: `${stack.origin}/qlik/api/v1/items` });
    await stack.get("/api/v1/echo/a", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    expect(upstream.seen.at(-1)?.body).toBe(body);
  });

  test("Location, Content-Location and Link lead through the proxy where they led to the tenant", async () => {
    const { stack } = await answering(
      (address) =>
        `HTTP/1.1 201 Created\r\nContent-Length: 0\r\nLocation: ${address}/a?b=${address}\r\nContent-Location: ${wire.base}/c\r\n` +
        `Link: <${address}/d>; rel="next", <${wire.base}/e>; rel=prev, <https://other.example/f>; rel="last"\r\n\r\n`,
    );
    const { header } = await stack.get("/api/v1/echo/a", { method: "POST" });
    const base = `${stack.origin}/qlik`;
    expect(header("location")).toMatch(`${base}/a?b=http://tenant.localhost`);
    expect(header("content-location")).toBe("/qlik/c");
    expect(header("link")).toBe(
      `<${base}/d>; rel="next", </qlik/e>; rel=prev, <https://other.example/f>; rel="last"`,
    );
  });
});

describe("entity tags", () => {
  const tagOf = (answer: RawAnswer): string => answer.header("etag") ?? "";

  test("a tag of a body with links is weak, ours, and good for asking again", async () => {
    const stack = await started.stack();
    const path = "/api/v1/features";
    const tag = tagOf(await stack.get(path));
    expect(tag).toMatch(/^W\/".+;qsp-[0-9a-f]{12}"$/);
    const again = await stack.get(path, { headers: { "if-none-match": tag } });
    expect([again.status, again.body.length, tagOf(again)]).toEqual([304, 0, tag]);
    const among = await stack.get(path, { headers: { "if-none-match": `"x", ${tag}, W/"y"` } });
    expect(among.status).toBe(304);
    expect((await stack.get(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    const seen = stack.tenant
      .recordings({ path })
      .flatMap(({ headers }) => headers.map(([, value]) => value));
    expect(seen.join()).not.toMatch(/;qsp-[0-9a-f]{12}"/);
  });

  test("a tag of one user is nothing to another", async () => {
    const stack = await started.stack();
    const path = "/api/v1/features";
    const [ann, bob] = [await stack.get(path, { user: "ann" }), await stack.get(path, { user: "bob" })];
    expect(ann.text).toBe(bob.text);
    expect(tagOf(ann)).not.toBe(tagOf(bob));
    const headers = { "if-none-match": tagOf(ann) };
    expect((await stack.get(path, { user: "bob", headers })).status).toBe(200);
    const seen = stack.tenant.recordings({ path, subject: subjectAt(tenantKind, "bob") }).at(-1)?.headers;
    expect(seen?.some(([name]) => name.toLowerCase() === "if-none-match")).toBe(false);
  });

  test("If-Match becomes the tenant's tag; one that is not ours fails without asking the tenant", async () => {
    const { stack, upstream } = await started.raw(
      (request, socket) =>
        void socket.write(json("{}", request.method === "GET" ? 'ETag: "strong"\r\n' : "")),
    );
    const tag = tagOf(await stack.get("/api/v1/echo/a"));
    const put = (ifMatch: string, headers: Record<string, string> = {}) =>
      stack.get("/api/v1/echo/a", {
        method: "PUT",
        body: "{}",
        headers: { "if-match": ifMatch, ...headers },
      });
    expect((await put(tag)).status).toBe(200);
    expect(upstream.seen.at(-1)?.header("if-match")).toBe('"strong", W/"strong"');
    expect((await put("*")).status).toBe(200);
    expect(upstream.seen.at(-1)?.header("if-match")).toBe("*");
    const before = upstream.seen.length;
    const foreign = await put(tag.replace(/qsp-[0-9a-f]+/, "qsp-000000000000"));
    expect([foreign.status, upstream.seen.length]).toEqual([412, before]);
  });

  test("a refused If-Match can be read by a listed origin", async () => {
    const sibling = "http://app.localhost:4000";
    const stack = await started.stack({ proxy: { policy, allowedOrigins: [sibling] } });
    const answer = await stack.get("/api/v1/data-files/a", {
      method: "PUT",
      headers: { origin: sibling, "sec-fetch-site": "same-site", "if-match": '"a;qsp-000000000000"' },
    });
    expect([answer.status, answer.header("access-control-allow-origin")]).toEqual([412, sibling]);
  });

  test("a part is not taken of a body that we may have changed", async () => {
    const { stack, upstream } = await started.raw(
      (_request, socket) => void socket.write(json("{}", 'ETag: "a"\r\n')),
    );
    const tag = tagOf(await stack.get("/api/v1/echo/a"));
    await stack.get("/api/v1/echo/a", { headers: { range: "bytes=0-1", "if-range": tag } });
    expect([upstream.seen.at(-1)?.header("range"), upstream.seen.at(-1)?.header("if-range")]).toEqual([
      undefined,
      undefined,
    ]);
    const own = await stack.get("/api/v1/echo/a", { headers: { range: "bytes=0-1", "if-range": '"a"' } });
    expect(upstream.seen.at(-1)?.header("if-range")).toBe('"a"');
    expect(tagOf(own)).toBe('"a"');
  });

  test("tags of files and downloads stay the tenant's own", async () => {
    const stack = await started.stack({ proxy: { policy } });
    const content = stack.tenant.addTempContent({ name: "a.json", bytes: generatedBytes(10) });
    const path = `/api/v1/temp-contents/${content.id}`;
    const answer = await stack.get(path);
    expect(tagOf(answer)).toMatch(/^"[0-9a-f]{32}"$/);
    const style = await stack.get("/assets/tenant.css", { user: null });
    const again = await stack.get("/assets/tenant.css", {
      user: null,
      headers: { "if-none-match": tagOf(style) },
    });
    expect([tagOf(style).includes("qsp"), again.status]).toEqual([false, 304]);
  });

  test("HEAD has the tag of GET, and a rewritten body no length that is not its own", async () => {
    const { stack } = await started.raw((request, socket) => {
      const answer = json(
        '{"a":1}',
        'ETag: "t"\r\nDigest: sha-256=x\r\nContent-MD5: y\r\nAccept-Ranges: bytes\r\n',
      );
      socket.write(request.method === "HEAD" ? answer.slice(0, answer.indexOf("\r\n\r\n") + 4) : answer);
    });
    const [get, head] = [
      await stack.get("/api/v1/items"),
      await stack.get("/api/v1/items", { method: "HEAD" }),
    ];
    expect(tagOf(head)).toBe(tagOf(get));
    for (const name of ["content-length", "digest", "content-md5", "accept-ranges"]) {
      expect([name, get.header(name)]).toEqual([name, undefined]);
    }
  });
});
