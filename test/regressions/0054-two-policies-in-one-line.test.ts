/*
 * A page of the tenant that an operator trusts gets our word on who may frame it. A header line may hold several policies
 * with commas between them, as front ends write that join two lines, and ours was put behind the last: where that one had
 * a `frame-ancestors` of its own, a browser takes the first of the two, and the tenant's "*" stood. Each policy is read by
 * itself.
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test.each([
  ["script-src 'self', frame-ancestors *", "script-src 'self'; FA, FA"],
  ["frame-ancestors *,frame-ancestors https://evil.example", "FA, FA"],
  ["frame-ancestors *, ", "FA"],
  [
    "connect-src 'self', connect-src https://a.example; img-src *",
    "connect-src 'self' OURS; FA, connect-src https://a.example OURS; img-src *; FA",
  ],
])("the policies %j become ours, each of them", async (given, wanted) => {
  const { stack } = await started.raw(
    (_request, socket) =>
      void socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Security-Policy: ${given}\r\nContent-Length: 0\r\n\r\n`,
      ),
    {
      proxy: {
        policy: { allow: ["GET /single/**"] },
        unsafe: { plainHttpTenant: true, plainHttpPublic: true, foreignScriptOnAppOrigin: true },
      },
    },
  );
  const answer = await stack.get("/single/a", { headers: { "sec-fetch-mode": "navigate" } });
  const ours = `${stack.origin} ${stack.origin.replace("http", "ws")}`;
  expect(answer.header("content-security-policy")).toBe(
    wanted.replaceAll("FA", "frame-ancestors 'self'").replaceAll("OURS", ours),
  );
});
