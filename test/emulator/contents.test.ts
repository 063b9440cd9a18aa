import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTenantEmulator, generatedBytes, type TenantEmulator } from "../../src/emulator.ts";
import { expectTenantError } from "../support/assertions.ts";
import { createIssuer, signIn, type SignedIn, type TenantAnswer } from "../support/tenant-client.ts";

const issuer = createIssuer();
let tenant: TenantEmulator;
let ada: SignedIn;

beforeAll(async () => {
  tenant = await createTenantEmulator({ plainHttp: true, identityProviders: [issuer] });
  ada = await signIn(tenant, issuer);
});

afterAll(async () => {
  await tenant.close();
});

/** Path of an absolute address of the tenant. */
function pathOf(location: string | undefined): string {
  const url = new URL(location ?? "");
  expect(url.origin).toBe(tenant.origin);
  return `${url.pathname}${url.search}`;
}

async function upload(body: string, filename: string): Promise<string> {
  const path = `/api/v1/temp-contents?filename=${encodeURIComponent(filename)}`;
  const answer = await ada.write({ method: "POST", path, body });
  expect(answer.status).toBe(201);
  expect(answer.body).toHaveLength(0);
  return pathOf(answer.headers.location);
}

describe("temp-contents (facts §6.3)", () => {
  test("gives back what was uploaded, as an attachment, or inline when asked", async () => {
    const path = await upload("a,b\n1,2\n", "täble.csv");
    const answer = await ada.ask({ path });
    expect(answer.text).toBe("a,b\n1,2\n");
    expect(answer.headers).toMatchObject({ "content-type": "text/csv", "accept-ranges": "bytes" });
    expect(answer.headers["content-disposition"]).toBe(
      "attachment; filename=\"t_ble.csv\"; filename*=UTF-8''t%C3%A4ble.csv",
    );
    const inline = await ada.ask({ path: `${path}?inline=1` });
    expect(inline.headers["content-disposition"]).toMatch(/^inline;/);
  });

  test.each([
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=4-", 206, "456789", "bytes 4-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=0-1,3-4", 200, "0123456789", undefined],
    ["bytes=5-2", 200, "0123456789", undefined],
    ["lines=1-2", 200, "0123456789", undefined],
  ])("answers Range %s with %i", async (range, status, text, contentRange) => {
    const path = await upload("0123456789", "digits.txt");
    const answer = await ada.ask({ path, headers: { range } });
    expect([answer.status, answer.text, answer.headers["content-range"]]).toEqual([
      status,
      text,
      contentRange,
    ]);
    expect(answer.headers["content-length"]).toBe(String(text.length));
  });

  test.each(["bytes=10-", "bytes=99-100", "bytes=-0"])("answers 416 to %s", async (range) => {
    const path = await upload("0123456789", "digits.txt");
    const answer = await ada.ask({ path, headers: { range } });
    expectTenantError(answer, 416, "HTTP-416");
    expect(answer.headers["content-range"]).toBe("bytes */10");
  });

  test("sends the whole if If-Range names another version", async () => {
    const path = await upload("0123456789", "digits.txt");
    const { etag, "last-modified": modified } = (await ada.ask({ path })).headers;
    const status = async (ifRange: string | undefined): Promise<number> =>
      (await ada.ask({ path, headers: { range: "bytes=0-1", "if-range": String(ifRange) } })).status;
    expect(await status(etag)).toBe(206);
    expect(await status(modified)).toBe(206);
    expect(await status('"another"')).toBe(200);
    expect(await status("Thu, 01 Jan 2015 00:00:00 GMT")).toBe(200);
  });

  test("reads a large generated content from anywhere", async () => {
    const size = 5_000_000;
    const { id } = tenant.addTempContent({ name: "large.bin", bytes: generatedBytes(size) });
    const path = `/api/v1/temp-contents/${id}`;
    const whole = await ada.ask({ path });
    expect(whole.body).toHaveLength(size);
    expect(whole.body.every((byte, index) => byte === index % 251)).toBe(true);
    const part = await ada.ask({ path, headers: { range: "bytes=1234567-1234999" } });
    expect(part.body.equals(whole.body.subarray(1_234_567, 1_235_000))).toBe(true);
  });

  test("HEAD answers the same headers and no body", async () => {
    const path = await upload("0123456789", "digits.txt");
    const answer = await ada.ask({ method: "HEAD", path });
    expect(answer.headers["content-length"]).toBe("10");
    expect(answer.body).toHaveLength(0);
  });

  test("tells details, is gone after its time, and unknown if it never was", async () => {
    const path = pathOf(
      (await ada.write({ method: "POST", path: "/api/v1/temp-contents?filename=a.txt&ttl=60", body: "a" }))
        .headers.location,
    );
    expect((await ada.ask({ path: `${path}/details` })).json()).toMatchObject({
      Name: "a.txt",
      Size: "1",
      TTLSeconds: 60,
    });
    tenant.clock.advance(60_000);
    expectTenantError(await ada.ask({ path }), 410, "HTTP-410");
    expectTenantError(await ada.ask({ path: "/api/v1/temp-contents/unknown" }), 404, "HTTP-404");
  });
});

describe("TUS (facts §6.3)", () => {
  const version = { "tus-resumable": "1.0.0" };

  async function create(length: number): Promise<string> {
    const answer = await ada.write({
      method: "POST",
      path: "/api/v1/temp-contents/files",
      headers: {
        ...version,
        "upload-length": String(length),
        "upload-metadata": `filename ${Buffer.from("up.txt").toString("base64")}`,
      },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers["tus-resumable"]).toBe("1.0.0");
    return pathOf(answer.headers.location);
  }

  function append(path: string, offset: number, body: string): Promise<TenantAnswer> {
    return ada.write({
      method: "PATCH",
      path,
      headers: {
        ...version,
        "upload-offset": String(offset),
        "content-type": "application/offset+octet-stream",
      },
      body,
    });
  }

  test("takes an upload in pieces, tells how far it is, and makes it a content", async () => {
    const path = await create(10);
    expect((await append(path, 0, "01234")).headers["upload-offset"]).toBe("5");
    const head = await ada.ask({ method: "HEAD", path, headers: version });
    expect(head.headers).toMatchObject({
      "upload-offset": "5",
      "upload-length": "10",
      "cache-control": "no-store",
    });
    const done = await append(path, 5, "56789");
    expect(done.status).toBe(204);
    const content = await ada.ask({ path: pathOf(done.headers["content-location"]) });
    expect(content.text).toBe("0123456789");
    expect(content.headers["content-disposition"]).toContain("up.txt");
  });

  test("answers 409 to a wrong offset, 412 to another version, 415 to another type, 413 to too much", async () => {
    const path = await create(4);
    expect((await append(path, 2, "xx")).status).toBe(409);
    expect((await append(path, 0, "too long")).status).toBe(413);
    const patch = (headers: Readonly<Record<string, string>>): Promise<TenantAnswer> =>
      ada.write({ method: "PATCH", path, headers: { "upload-offset": "0", ...headers }, body: "xx" });
    expect((await patch({ ...version, "content-type": "text/plain" })).status).toBe(415);
    expect((await patch({ "tus-resumable": "0.2.2" })).status).toBe(412);
  });

  test("does not show an upload to another user", async () => {
    const path = await create(4);
    const other = await signIn(tenant, issuer, { sub: "other@example.test" });
    expect((await other.ask({ method: "HEAD", path, headers: version })).status).toBe(404);
  });
});

describe("exports and reports (facts §6.3)", () => {
  test("an export answers 201 with a Location and no body", async () => {
    const items = (await ada.ask({ path: "/api/v1/items" })).json<{ data: { resourceId: string }[] }>();
    const id = items.data[0]?.resourceId;
    const answer = await ada.write({ method: "POST", path: `/api/v1/apps/${id}/export` });
    expect(answer.status).toBe(201);
    expect(answer.body).toHaveLength(0);
    const file = await ada.ask({ path: pathOf(answer.headers.location) });
    expect(file.headers["content-disposition"]).toMatch(/^attachment; .*\.qvf/);
    expect(file.text).toContain(String(id));
    expectTenantError(await ada.write({ method: "POST", path: "/api/v1/apps/none/export" }), 404, "HTTP-404");
  });

  test("a report is accepted, worked on, and done with outputs at absolute addresses", async () => {
    const asked = await ada.write({
      method: "POST",
      path: "/api/v1/reports",
      body: JSON.stringify({ type: "sense-image-1.0", output: { outputId: "x", type: "pdf" } }),
    });
    expect(asked.status).toBe(202);
    const { requestId, outputsUrl } = asked.json<{ requestId: string; outputsUrl: string }>();
    const statusPath = `/api/v1/reports/${requestId}/status`;
    expect(asked.headers.location).toBe(statusPath);
    expect((await ada.ask({ path: statusPath })).json()).toMatchObject({ status: "processing" });
    expect((await ada.ask({ path: pathOf(outputsUrl) })).json()).toMatchObject({ data: [] });
    tenant.clock.advance(1000);
    expect((await ada.ask({ path: statusPath })).json()).toMatchObject({ status: "done" });
    const outputs = (await ada.ask({ path: pathOf(outputsUrl) })).json<{ data: { location: string }[] }>();
    const file = await ada.ask({ path: pathOf(outputs.data[0]?.location) });
    expect(file.headers["content-type"]).toBe("application/pdf");
    expect(file.text).toMatch(/^%PDF-1\.4\n[^]*%%EOF\n$/);
    const other = await signIn(tenant, issuer, { sub: "other@example.test" });
    expectTenantError(await other.ask({ path: statusPath }), 404, "HTTP-404");
  });
});

describe("data-files (facts §6.3)", () => {
  function multipart(name: string, content: Uint8Array): { contentType: string; body: Buffer } {
    const boundary = "----part-of-a-test";
    const head =
      `--${boundary}\r\nContent-Disposition: form-data; name="Json"\r\n\r\n${JSON.stringify({ name })}\r\n` +
      `--${boundary}\r\nContent-Disposition: form-data; name="File"; filename="x.bin"\r\n` +
      "Content-Type: application/octet-stream\r\n\r\n";
    const body = Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    return { contentType: `multipart/form-data; boundary=${boundary}`, body };
  }

  test("takes a multipart upload byte for byte, replaces and removes it", async () => {
    const content = Buffer.from(Array.from({ length: 2_000_000 }, (_, index) => index % 256));
    const { contentType, body } = multipart("data.bin", content);
    const send = (method: string, path: string): Promise<TenantAnswer> =>
      ada.write({ method, path, headers: { "content-type": contentType }, body });
    const made = await send("POST", "/api/v1/data-files");
    expect(made.status).toBe(201);
    const file = made.json<{ id: string }>();
    expect(file).toMatchObject({ name: "data.bin", size: content.length });
    const path = `/api/v1/data-files/${file.id}`;
    expect((await send("PUT", path)).json()).toMatchObject({ id: file.id });
    expect((await ada.ask({ path: "/api/v1/data-files" })).text).toContain(file.id);
    const other = await signIn(tenant, issuer, { sub: "other@example.test" });
    expect((await other.ask({ path })).status).toBe(404);
    expect((await ada.write({ method: "DELETE", path })).status).toBe(204);
    expect((await ada.ask({ path })).status).toBe(404);
  });

  test("refuses a body that is no multipart", async () => {
    const answer = await ada.write({ method: "POST", path: "/api/v1/data-files", body: "plain" });
    expectTenantError(answer, 400, "HTTP-400");
  });
});
