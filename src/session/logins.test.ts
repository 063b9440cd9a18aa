import { describe, expect, test } from "vitest";
import { createSessionNodes } from "../../test/support/session-nodes.ts";

const ann = { subject: "ann" };

describe("Logins: several nodes over one store", () => {
  test("a node that closes while its login waits leaves it to the others", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    let open = (): void => {};
    nodes.tenant.gate = new Promise((r) => (open = r));
    const first = a.acquire(ann).catch((e: unknown) => e);
    await nodes.pass(100);
    const second = b.acquire(ann);
    await nodes.pass(100);
    await a.manager.close();
    open();
    await nodes.pass(4000);
    await first;
    expect((await second).ended).toBeNull();
    expect(nodes.tenant.logins).toBe(1);
  });

  test("a failed login of one that was overtaken does not fail who waits for the other", async () => {
    const nodes = createSessionNodes();
    const [a, b, c] = [nodes.start(), nodes.start(), nodes.start()];
    await nodes.pass(1000);
    let openA = (): void => {};
    nodes.tenant.gate = new Promise((r) => (openA = r));
    const first = a.acquire(ann).catch((e: unknown) => e);
    await nodes.pass(100);
    a.store.isHanging = true; // paused: its lease runs out
    let openB = (): void => {};
    nodes.tenant.gate = new Promise((r) => (openB = r));
    await nodes.pass(4000);
    const second = b.acquire(ann);
    await nodes.pass(200);
    const third = c.acquire(ann).catch((e: { code: string }) => e.code);
    await nodes.pass(200);
    a.store.isHanging = false;
    nodes.tenant.refusal = { status: 503, headers: [], body: Buffer.from("") };
    nodes.tenant.gate = null;
    openA();
    await nodes.pass(600);
    nodes.tenant.refusal = null;
    openB();
    await nodes.pass(600);
    await first;
    const b2 = await second;
    expect(b2.ended).toBeNull();
    expect(await third).toMatchObject({ birth: b2.birth });
  });

  test("a login whose commit is not answered counts, and is the only one", async () => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    await nodes.pass(1000);
    let open = (): void => {};
    nodes.tenant.gate = new Promise((r) => (open = r));
    const req = a.acquire(ann).catch((e: { code: string }) => e.code);
    await nodes.pass(100);
    a.store.losesAnswers = true;
    open();
    await nodes.pass(700);
    a.store.losesAnswers = false;
    await nodes.pass(2000);
    const s = await req;
    const onB = await b.acquire(ann);
    expect(s).toMatchObject({ birth: onB.birth });
    expect(nodes.tenant.logins).toBe(1);
  });
});
