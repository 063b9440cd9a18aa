/*
 * Answers of the tenant passed with X-Accel-Redirect and its kind. They are orders to the server in front: nginx answers with
 * another of its own addresses instead, one for internal use too, such as the question that our own how-to has it ask the
 * application. What the tenant sends must not steer the front door.
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("an answer of the tenant gives no orders to the front door", async () => {
  const stack = await started.stack();
  const orders = [
    ["X-Accel-Redirect", "/_qsp_whoami"],
    ["X-Accel-Expires", "3600"],
    ["X-Accel-Buffering", "no"],
    ["X-Sendfile", "/etc/passwd"],
    ["X-Lighttpd-Send-File", "/etc/passwd"],
    ["X-Reproxy-URL", "http://127.0.0.1/"],
  ] as const;
  const headers = [...orders, ["X-Kept", "yes"]] as const;
  stack.tenant.enqueue({ path: "/api/v1/items", status: 200, headers, body: {} });
  const answer = await stack.get("/api/v1/items");
  expect([answer.status, answer.header("x-kept")]).toEqual([200, "yes"]);
  for (const [name] of orders) expect([name, answer.header(name)]).toEqual([name, undefined]);
});
