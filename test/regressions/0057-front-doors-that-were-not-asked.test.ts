/*
 * `trustedProxies` was taken, checked and then asked by nobody: the tenant never learned where a request came from,
 * whatever the front door wrote down. Where a front door is named, the tenant is told one address, the client's: by the
 * front door's word if the peer is it, by the peer's own address if it is not. Where none is named it is told nothing.
 */
import { describe, expect, test } from "vitest";
import { answerBoth, doors, forwarded, knockAt, openPath, through } from "../security/doors.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const written = ["X-Forwarded-For: 192.0.2.66, 198.51.100.7", "X-Forwarded-For: 10.0.0.2"];

describe.each(doors)("by an incoming %s", (door) => {
  test.each([
    ["what the front doors wrote, up to the client", ["127.0.0.0/8", "10.0.0.2"], "198.51.100.7"],
    ["what the front door wrote, and nothing of whoever was before it", ["127.0.0.1"], "10.0.0.2"],
    ["the address of a peer that is no front door", ["10.0.0.0/8"], "127.0.0.1"],
    ["nothing where no front door is named", [], undefined],
  ])("the tenant is told %s", async (_name, trustedProxies, told) => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { trustedProxies } });
    const answer = await knockAt(stack, door, `/qlik${openPath(door)}`, { headers: written });
    expect(answer.status).toBe(through(door));
    const [request] = forwarded(upstream.seen);
    const names = request?.headers.filter(([name]) => name.includes("forwarded"));
    expect(names).toEqual(told === undefined ? [] : [["x-forwarded-for", told]]);
  });

  test("the client cannot have the address taken off by naming it in Connection", async () => {
    const { stack, upstream } = await started.raw(answerBoth, { proxy: { trustedProxies: ["127.0.0.1"] } });
    const headers = ["Connection: X-Forwarded-For", "X-Forwarded-For: 198.51.100.7"];
    await knockAt(stack, door, `/qlik${openPath(door)}`, { headers });
    expect(forwarded(upstream.seen)[0]?.header("x-forwarded-for")).toBe("198.51.100.7");
  });
});

test("a range of every address is no front door", async () => {
  const everybody = started.stack({ proxy: { trustedProxies: ["10.0.0.0/8", "0.0.0.0/0"] } });
  await expect(everybody).rejects.toThrow("trustedProxies[1]: would believe every peer");
});
