/*
 * Requests to Qlik Sense say a key twice, in the query and in a header. Files, which are asked for without a session, said it in
 * the query alone: the header was taken for a part of what shows whose a request is. A server that compares the two
 * would have refused every file.
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";
import { valueOf } from "../support/tenant-kind.ts";

const started = cleanedUp();

test("a file is asked for with the key in the query and in a header, and with nobody's session", async () => {
  const stack = await started.stack({ kind: "qlik-sense-jwt" });
  const headers = { "x-qlik-xrfkey": "aaaaaaaaaaaaaaaa" };
  expect((await stack.get("/assets/tenant.css?xrfkey=aaaaaaaaaaaaaaaa", { headers })).status).toBe(200);
  const [seen, ...more] = stack.tenant.recordings();
  if (seen === undefined) throw new Error("nothing was asked for");
  const key = valueOf(seen, "x-qlik-xrfkey");
  expect(key).toMatch(/^(?!a{16})[A-Za-z0-9]{16}$/);
  expect(seen.url).toBe(`/jwt/assets/tenant.css?xrfkey=${key}`);
  expect(seen.headers.filter(([name]) => name.toLowerCase() === "x-qlik-xrfkey")).toHaveLength(1);
  expect([valueOf(seen, "cookie"), valueOf(seen, "authorization"), more]).toEqual([undefined, undefined, []]);
});
