import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors.ts";
import { expectTenantError } from "../support/assertions.ts";
import { type AdminWorld, adminToken, adminWorlds, comeBack, signed, webhookSecret } from "./admin-world.ts";

const world = adminWorlds();
const annGone = '{"subject":"ann"}';

describe("POST /revoke", () => {
  test("with a signature ends everything of a subject, sockets included", async () => {
    const { visit, socket, askUnknown, list } = await world();
    const open = await socket("ann");
    await visit("bob");
    const answer = await askUnknown("POST", "/revoke", { body: annGone, headers: signed(annGone) });
    expect([answer.status, answer.json()]).toEqual([200, { status: "done" }]);
    expect(await open.closed).toEqual({ code: 4203, reason: '{"code":"QSP-REVOKED"}' });
    expect((await list()).map(({ subject }) => subject)).toEqual(["bob"]);
  });

  test("with the token does the same, also for a key and with a time to stay out", async () => {
    const { visit, ask, list } = await world();
    await visit("ann");
    const [{ key } = { key: "" }] = await list();
    expect((await ask("POST", "/revoke", { body: JSON.stringify({ key }) })).json()).toEqual({
      status: "done",
    });
    expect((await ask("POST", "/revoke", { body: JSON.stringify({ key }) })).json()).toEqual({
      status: "done",
    });
    expect(await list()).toEqual([]);
    await visit("bob;1");
    const body = '{"subject":"bob","blockFor":"10m"}';
    expect((await ask("POST", "/revoke", { body })).json()).toEqual({ status: "done" });
    await ask("POST", "/revoke", { body: '{"subject":"carl"}' });
    expect(await comeBack(() => visit("carl;2"))).toBe(200);
    expect((await visit("bob;2")).status).toBe(401);
  });

  test("answers a delivery that comes again, and does it once", async () => {
    const { visit, askUnknown, list } = await world();
    await visit("ann;1");
    const deliver = (at?: number): ReturnType<AdminWorld["ask"]> =>
      askUnknown("POST", "/revoke", {
        body: annGone,
        headers: signed(annGone, { id: "event-7", ...(at === undefined ? {} : { at }) }),
      });
    const now = Date.now();
    expect((await deliver(now)).json()).toEqual({ status: "done" });
    // With a host session id, who signed in anew is back before two seconds are over.
    const back = await comeBack(() => visit("ann;2"));
    expect(back).toBe(200);
    expect((await deliver(now)).json()).toEqual({ status: "done", repeated: true });
    expect((await deliver(now + 2000)).json()).toEqual({ status: "done", repeated: true });
    expect(await list()).toHaveLength(1);
    const other = { body: annGone, headers: signed(annGone, { id: "event-8" }) };
    expect((await askUnknown("POST", "/revoke", other)).json()).toEqual({ status: "done" });
    expect(await list()).toEqual([]);
  });

  test("refuses what is not signed as it should be, and ends nothing", async () => {
    const { visit, askUnknown, list } = await world();
    await visit("ann");
    const right = signed(annGone);
    const cases: readonly (readonly [body: string, headers: Readonly<Record<string, string>>])[] = [
      [annGone, {}],
      [`${annGone} `, right],
      [annGone, { ...right, "webhook-id": "event-2" }],
      [annGone, { ...right, "webhook-signature": "v1,AAAA" }],
      [annGone, signed(annGone, { key: `${webhookSecret}x` })],
      [annGone, signed(annGone, { key: adminToken })],
      [annGone, signed(annGone, { at: Date.now() - 310_000 })],
      [annGone, signed(annGone, { at: Date.now() + 310_000 })],
    ];
    for (const [body, headers] of cases) {
      const answer = await askUnknown("POST", "/revoke", { body, headers });
      expectTenantError(answer, 401, "QSP-UNAUTHENTICATED");
    }
    expect(await list()).toHaveLength(1);
  });

  test("refuses an order that cannot be read, and takes it again when it is right", async () => {
    const { ask, askUnknown } = await world();
    for (const body of ["", "{}", '{"subject":""}', '{"subject":"ann","blockFor":600}', '{"user":"ann"}']) {
      expectTenantError(await ask("POST", "/revoke", { body }), 400, "QSP-TARGET");
      const answer = await askUnknown("POST", "/revoke", { body, headers: signed(body) });
      expectTenantError(answer, 400, "QSP-TARGET");
    }
    expect((await askUnknown("POST", "/revoke", { body: annGone, headers: signed(annGone) })).status).toBe(
      200,
    );
  });

  test("takes 64 KiB and no more, known beforehand or not, and its answer is read", async () => {
    const { ask, askUnknown } = await world();
    const padded = (size: number): string => annGone.padEnd(size);
    expect((await ask("POST", "/revoke", { body: padded(65_536) })).status).toBe(200);
    for (const size of [65_537, 500_000]) {
      for (const chunked of [false, true]) {
        const body = padded(size);
        expectTenantError(await ask("POST", "/revoke", { body, chunked }), 413, "QSP-TOO-LARGE");
        const headers = signed(body);
        const answer = await askUnknown("POST", "/revoke", { body, headers, chunked });
        expectTenantError(answer, 413, "QSP-TOO-LARGE");
      }
    }
  });

  test("lets go of a sender that is refused and does not stop", async () => {
    const { adminUrl } = await world();
    const socket = connect(Number(new URL(adminUrl).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write("POST /revoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const more = setInterval(() => socket.write("4\r\nabcd\r\n"), 50);
    socket.resume();
    // Not by `once`, which rejects where the write that comes too late is reset.
    await new Promise((resolve) => socket.on("close", resolve));
    clearInterval(more);
  });

  test("is signed with the token where there is no other secret, and with what follows whsec_", async () => {
    const plain = await world({ webhookSecret: null });
    const byToken = { body: annGone, headers: signed(annGone, { key: adminToken }) };
    expect((await plain.askUnknown("POST", "/revoke", byToken)).status).toBe(200);
    const bytes = Buffer.from(webhookSecret);
    const encoded = await world({ token: null, webhookSecret: `whsec_${bytes.toString("base64")}` });
    const byBytes = { body: annGone, headers: signed(annGone, { key: bytes }) };
    expect((await encoded.askUnknown("POST", "/revoke", byBytes)).status).toBe(200);
    expect((await encoded.ask("POST", "/revoke", { body: annGone })).status).toBe(401);
    await expect(world({ webhookSecret: "whsec_?" })).rejects.toThrow(OptionsError);
  });

  test("is taken from the program in the documents", async () => {
    const { visit, adminUrl, list } = await world();
    await visit("acme|ann");
    const text = readFileSync(new URL("../../docs/reference/admin.md", import.meta.url), "utf8");
    const program = /^```js\n(.*?)^```$/ms.exec(text)?.[1] ?? "";
    const folder = mkdtempSync(join(tmpdir(), "qsp-webhook-"));
    try {
      writeFileSync(join(folder, "revoke.mjs"), program);
      const child = spawn(process.execPath, [join(folder, "revoke.mjs"), "acme|ann"], {
        env: { ...process.env, ADMIN_URL: adminUrl, WEBHOOK_SECRET: webhookSecret },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const chunks: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      const [code] = (await once(child, "close")) as [number | null];
      expect(Buffer.concat(chunks).toString()).toBe('200 {"status":"done"}\n');
      expect(code).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(await list()).toEqual([]);
  });
});
