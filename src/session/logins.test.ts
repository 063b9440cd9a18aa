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
});
