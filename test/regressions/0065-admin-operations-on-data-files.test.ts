/*
 * The preset embed-write had one rule for everything below /api/v1/data-files. Two operations there are the vendor's
 * "admin type of operation": giving a file to another owner, and moving it to another space by the administrator's wider
 * rights. A portal's user who happens to be an administrator could be made to do either. The preset names what a user
 * does with files of their own, and nothing else.
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const proxy = { policy: { presets: ["embed", "embed-write"] } };

test.each([
  "/api/v1/data-files/some-file/actions/change-owner",
  "/api/v1/data-files/some-file/actions/change-space",
  "/api/v1/data-files/actions/change-space",
])("POST %s is not offered", async (path) => {
  const { stack, upstream } = await started.raw(undefined, { proxy });
  const answer = await stack.get(path, { method: "POST", headers: { origin: stack.origin }, body: "{}" });
  expect([answer.status, answer.text]).toEqual([404, expect.stringContaining("QSP-POLICY")]);
  expect(upstream.seen).toEqual([]);
});

test.each([
  ["GET", "/api/v1/data-files"],
  ["GET", "/api/v1/data-files/some-file"],
  ["POST", "/api/v1/data-files"],
  ["POST", "/api/v1/data-files/actions/delete"],
  ["PUT", "/api/v1/data-files/some-file"],
  ["DELETE", "/api/v1/data-files/some-file"],
])("%s %s is", async (method, path) => {
  const { stack, upstream } = await started.raw(undefined, { proxy });
  const answer = await stack.get(path, { method, headers: { origin: stack.origin } });
  expect(answer.status).toBe(200);
  expect(upstream.seen.map(({ line }) => line)).toContain(`${method} ${path} HTTP/1.1`);
});
