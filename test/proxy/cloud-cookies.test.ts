import { expect, test } from "vitest";
import { answerOk } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { loginsAt, valueOf } from "../support/tenant-kind.ts";

/* Of a tenant whose sessions are cookies beside a CSRF token that requests carry: Qlik Cloud by signed token. facts §2.2, §3 */

const started = cleanedUp();
const items = "/api/v1/items?limit=2";

test("a CSRF token that the tenant forgot is fetched anew and the request repeated once", async () => {
  const stack = await started.stack({ proxy: { policy: { presets: ["embed", "embed-write"] } } });
  await stack.get(items);
  stack.tenant.enqueue({
    method: "POST",
    path: "/api/v1/reports",
    status: 403,
    headers: [["content-type", "application/json"]],
    body: {
      code: "CSRF-TOKEN-2",
      errors: [{ code: "CSRF-TOKEN-2", title: "CSRF token mismatch", status: "403" }],
    },
  });
  const answer = await stack.get("/api/v1/reports", {
    method: "POST",
    headers: { "content-type": "application/json", "qlik-csrf-token": "the client's own" },
    body: JSON.stringify({ type: "sense-image-1.0" }),
  });
  expect(answer.status).toBe(202);
  const tokens = stack.tenant
    .recordings({ method: "POST", path: "/api/v1/reports" })
    .map(({ headers }) => headers.filter(([name]) => name.toLowerCase() === "qlik-csrf-token"));
  expect(tokens.map((each) => each.length)).toEqual([1, 1]);
  expect(JSON.stringify(tokens)).not.toContain("the client's own");
});

test("a rotated cookie is taken over at once", async () => {
  const stack = await started.stack();
  await stack.get(items);
  stack.tenant.modes.rotationGrace = 0;
  stack.tenant.sessions.rotateCookie();
  for (let index = 0; index < 3; index += 1) expect((await stack.get(items)).status).toBe(200);
  expect(loginsAt(stack.tenant).length).toBeLessThanOrEqual(2);
  expect(stack.tenant.sessions.list()).toHaveLength(1);
});

test("the load balancer's cookies travel beside the session's, in one header", async () => {
  const stack = await started.stack();
  await stack.get(items, { headers: { cookie: "AWSALB=forged" } });
  const [seen] = stack.tenant.recordings({ path: "/api/v1/items" });
  if (seen === undefined) throw new Error("nothing was sent");
  expect(valueOf(seen, "cookie")).toMatch(/eas\.sid=/);
  expect(valueOf(seen, "cookie")).toMatch(/AWSALB=/);
  expect(JSON.stringify(seen.headers)).not.toContain("forged");
  expect(seen.headers.filter(([name]) => name.toLowerCase() === "cookie")).toHaveLength(1);
});

test("a login with a body of five megabytes is one", async () => {
  const { stack, upstream } = await started.raw(answerOk);
  upstream.login((socket) => {
    socket.write(
      "HTTP/1.1 200 OK\r\nSet-Cookie: eas.sid=large; Path=/\r\nContent-Length: 5000000\r\n\r\n" +
        "x".repeat(5_000_000),
    );
  });
  expect((await stack.get("/api/v1/echo/a")).status).toBe(200);
  expect(upstream.seen.at(-1)?.header("cookie")).toBe("eas.sid=large");
});
