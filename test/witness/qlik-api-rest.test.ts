import { createHash, randomBytes } from "node:crypto";
import { exportApp } from "@qlik/api/apps";
import { invokeAssistantThread, streamAssistantThread } from "@qlik/api/assistants";
import { deleteDataFile, getDataFiles, reuploadDataFile, uploadDataFile } from "@qlik/api/data-files";
import { getItem, getItems, type ItemResultResponseBody } from "@qlik/api/items";
import { createReport, getReportOutputs, getReportStatus } from "@qlik/api/reports";
import { downloadTempFile, getTempFileDetails, uploadTempFile } from "@qlik/api/temp-contents";
import { getMyUser } from "@qlik/api/users";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { credentialIn, loginsAt, nameAtTenant, tenantKind, valueOf } from "../support/tenant-kind.ts";
import { portalConfig, readEvents } from "../support/vendor-qlik-api.ts";
import { alice, bruno, startVendorStack, strangers, type VendorStack } from "../support/vendor-stack.ts";

/*
 * The vendor's REST client through the proxy. It follows absolute links as they are: a link that the proxy left alone
 * would lead around it, and such a request is either refused by name resolution or seen by the tenant as a stranger's.
 */

let world: VendorStack;
beforeEach(async () => {
  world = await startVendorStack({
    proxy: {
      policy: {
        presets: ["embed", "embed-write", "assistants"],
      },
    },
  });
});
afterEach(async () => {
  try {
    if (strangers(world.tenant.recordings()).length > 0) throw new Error("a request went around the proxy");
  } finally {
    await world.close();
  }
});

/** Call options of a user; nothing is taken from the client's own cache. */
const as = (user: string) => ({ hostConfig: portalConfig(world, user), noCache: true });
const requests = (method: string, path: string) => world.tenant.recordings({ method, path });
const idIn = (location: string | null): string =>
  location?.split(/[/?]/).findLast((part) => part.length > 8) ?? "";
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The bytes of what the client takes for a file. */
async function bytesOf(data: unknown): Promise<Uint8Array> {
  expect(data).toBeInstanceOf(Blob);
  return new Uint8Array(await (data as Blob).arrayBuffer());
}

describe("reading", () => {
  test("each user is told who they are", async () => {
    const users = await Promise.all([alice, bruno].map((user) => getMyUser(as(user))));
    expect(users.map(({ status, data }) => [status, data.subject, data.name])).toEqual([
      [200, nameAtTenant(alice), "Alice Johansson"],
      [200, nameAtTenant(bruno), "Bruno Keller"],
    ]);
  });

  test("pages are followed to the end and back, and stay with the proxy", async () => {
    const names: string[] = [];
    const page = await getItems({ limit: 1, resourceType: "app" }, as(alice));
    const origins = new Set<string>();
    let last = page;
    for (let next: typeof page | undefined = page; next !== undefined; next = await next.next?.(as(alice))) {
      last = next;
      names.push(...(next.data.data ?? []).map(({ name }) => name ?? ""));
      for (const link of Object.values(next.data.links ?? {}) as { readonly href?: string }[])
        origins.add(new URL(link.href ?? "").origin);
    }
    expect(names).toEqual(["Sales performance", "Service desk", "Energy use"]);
    expect([...origins]).toEqual([world.door.origin]);
    const before = await last.prev?.(as(alice));
    expect(before?.data.data?.map(({ name }) => name)).toEqual(["Service desk"]);
    expect(requests("GET", "/api/v1/items").map(({ subject }) => subject)).toEqual(
      Array(4).fill(nameAtTenant(alice)),
    );
    expect(loginsAt(world.tenant)).toHaveLength(1);
  });

  test("every link of an item leads through the proxy", async () => {
    const { data } = await getItems({ limit: 1 }, as(alice));
    const [first] = data.data ?? [];
    const item: ItemResultResponseBody = (await getItem(first?.id ?? "", as(alice))).data;
    const text = JSON.stringify(item);
    expect(text).not.toContain(new URL(world.tenant.origin).host);
    expect(text).toContain(`"href":"${world.host}/api/v1/items/${item.id}"`);
  });
});

describe("writing", () => {
  test("carries what the tenant wants to see, which the client never saw", async () => {
    const answer = await invokeAssistantThread("a", "t", { input: { prompt: "How many?" } }, as(alice));
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.data)).toContain("This tenant has 3 apps");
    const [written] = world.tenant.recordings({ method: "POST", path: "/api/v1/assistants/**" });
    const names = written?.headers.map(([name]) => name.toLowerCase()) ?? [];
    const isWanted = tenantKind === "qlik-cloud-jwt";
    expect(names.filter((name) => name === "qlik-csrf-token")).toHaveLength(isWanted ? 1 : 0);
    expect(names).not.toContain("origin");
    expect(names).not.toContain("x-test-user");
    if (written === undefined) throw new Error("nothing was written");
    const secrets = [credentialIn(written), ...(isWanted ? [valueOf(written, "qlik-csrf-token") ?? ""] : [])];
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(10);
      expect(JSON.stringify([...answer.headers])).not.toContain(secret);
    }
  });

  test("two megabytes go up and come down again, byte for byte", async () => {
    const bytes = randomBytes(2 * 1_048_576 + 7);
    const body = new Blob([bytes]);
    const created = await uploadTempFile({ filename: "büro 1.bin", ttl: 600 }, body, as(alice));
    const location = created.headers.get("location");
    expect([created.status, location]).toEqual([
      201,
      expect.stringContaining(`${world.host}/api/v1/temp-contents/`),
    ]);
    const details = await getTempFileDetails(idIn(location), as(alice));
    expect(details.data).toMatchObject({ Name: "büro 1.bin", Size: String(bytes.length) });
    const file = await downloadTempFile(idIn(location), {}, as(alice));
    expect(digest(await bytesOf(file.data))).toBe(digest(bytes));
    expect(requests("POST", "/api/v1/temp-contents")[0]?.bodyBytes).toBe(bytes.length);
  });

  test("a multipart file is stored, replaced, listed for its owner only, and removed", async () => {
    const file = (text: string) => new Blob([text], { type: "text/csv" });
    const upload = await uploadDataFile(
      { File: file("a;b\n1;2\n"), Json: { name: "figures.csv" } },
      as(alice),
    );
    expect([upload.status, upload.data]).toMatchObject([201, { name: "figures.csv", size: 8 }]);
    const { id = "" } = upload.data as { readonly id?: string };
    const replaced = await reuploadDataFile(
      id,
      { File: file("a;b\n"), Json: { name: "figures.csv" } },
      as(alice),
    );
    expect(replaced.data).toMatchObject({ id, size: 4 });
    const listed = await Promise.all([alice, bruno].map((user) => getDataFiles({}, as(user))));
    expect(listed.map(({ data }) => data.data?.map(({ name }) => name))).toEqual([["figures.csv"], []]);
    expect((await deleteDataFile(id, as(alice))).status).toBe(204);
    await expect(deleteDataFile(id, as(alice))).rejects.toMatchObject({ status: 404 });
  });

  test("an export answers 201 with a place and no body, and the place is the proxy's", async () => {
    const exported = await exportApp(APP_ID.sales, {}, as(alice));
    const location = exported.headers.get("location");
    expect([exported.status as number, exported.data]).toEqual([201, ""]);
    expect(location).toContain(`${world.host}/api/v1/temp-contents/`);
    const file = await downloadTempFile(idIn(location), {}, as(alice));
    expect(Buffer.from(await bytesOf(file.data)).toString("utf8")).toContain("Sales performance");
  });

  test("a report is asked for, watched, and fetched from where its outputs say", async () => {
    const request = { type: "sense-image-1.0", output: { outputId: "one", type: "pdf" } } as const;
    const asked = await createReport(request, as(alice));
    const { requestId = "", outputsUrl } = asked.data;
    expect([asked.status, asked.headers.get("location")]).toEqual([
      202,
      `/qlik/api/v1/reports/${requestId}/status`,
    ]);
    expect(outputsUrl).toBe(`${world.host}/api/v1/reports/${requestId}/outputs`);
    await expect.poll(async () => (await getReportStatus(requestId, as(alice))).data.status).toBe("done");
    const { data } = await getReportStatus(requestId, as(alice));
    expect(data.results?.[0]?.location).toContain(`${world.host}/api/v1/temp-contents/`);
    const outputs = await getReportOutputs(requestId, {}, as(alice));
    const [output] = outputs.data.data ?? [];
    const file = await downloadTempFile(idIn(output?.location ?? null), { inline: "1" }, as(alice));
    const bytes = Buffer.from(await bytesOf(file.data));
    expect([bytes.length, bytes.toString("latin1", 0, 5)]).toEqual([output?.sizeBytes, "%PDF-"]);
    await expect(getReportStatus(requestId, as(bruno))).rejects.toMatchObject({ status: 404 });
  });

  test("an assistant's words arrive one after the other while it speaks", async () => {
    world.tenant.modes.eventInterval = 20;
    const asked = { input: { prompt: "Which apps?" } };
    const { status, headers, data } = await streamAssistantThread("a", "t", asked, as(alice));
    expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const { events, reads } = await readEvents(data as unknown as ReadableStream<Uint8Array>);
    const words = events.map((event) => (JSON.parse(event) as { readonly output: string }).output);
    expect(words.join("")).toMatch(/^Alice Johansson, you asked: Which apps\? This tenant has 3 apps: /);
    // Buffered, they would come in one read; two may meet on a busy machine.
    expect(reads).toBeGreaterThan(words.length / 2);
  });
});

describe("what is not for embedding", () => {
  test("is refused in the tenant's own shape, and the tenant never hears of it", async () => {
    const { getUsers } = await import("@qlik/api/users");
    await expect(getUsers({}, as(alice))).rejects.toMatchObject({
      status: 404,
      data: { errors: [{ code: "QSP-POLICY", status: "404" }] },
    });
    expect(requests("GET", "/api/v1/users")).toEqual([]);
  });

  test("nobody signed in is refused with 401, told once, and led nowhere", async () => {
    const told: { readonly message: string }[] = [];
    const hostConfig = { ...as("").hostConfig, onAuthFailed: told.push.bind(told) };
    await expect(getMyUser({ hostConfig, noCache: true })).rejects.toMatchObject({
      status: 401,
      data: { errors: [{ code: "QSP-UNAUTHENTICATED", status: "401" }] },
    });
    expect(told).toEqual([
      { message: "You are not signed in to this application. (Status: 401, Code: QSP-UNAUTHENTICATED)" },
    ]);
    expect(requests("GET", "/api/v1/users/me")).toEqual([]);
  });
});

describe("a session that ends in between", () => {
  test("is renewed out of sight: reads, writes and uploads go on", async () => {
    await getMyUser(as(alice));
    for (const round of [1, 2, 3]) {
      world.tenant.sessions.expire();
      const answers = await Promise.all([
        getMyUser(as(alice)),
        getItems({ limit: round }, as(alice)),
        createReport({ type: "sense-image-1.0", output: { outputId: "one", type: "pdf" } }, as(alice)),
        uploadTempFile({ filename: "x" }, new Blob(["abc"]), as(alice)),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 202, 201]);
      expect(loginsAt(world.tenant)).toHaveLength(1 + round);
    }
  });
});
