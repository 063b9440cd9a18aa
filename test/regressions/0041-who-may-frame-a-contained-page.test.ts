/*
 * What must not run as the app comes in a sandbox, with a policy of ours in place of the tenant's. With the tenant's went
 * its word on who may frame the answer, `frame-ancestors` and `X-Frame-Options`, and nothing of ours took its place: any
 * site could lay a page of the tenant, fetched with the user's session, under its own. attacks C9
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

async function answerOf(type: string, frameAncestors?: readonly string[]) {
  const { stack } = await started.raw(
    (_request, socket) => {
      const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 4\r\n`;
      socket.write(`${head}X-Frame-Options: DENY\r\nContent-Security-Policy: frame-ancestors *\r\n\r\n<b>x`);
    },
    {
      proxy: {
        policy: { presets: ["embed"], allow: ["GET /single/**"] },
        ...(frameAncestors === undefined ? {} : { frameAncestors }),
      },
    },
  );
  const headers = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" };
  return stack.get("/single/?appid=x", { headers });
}

test.each(["text/html", "application/pdf", "image/svg+xml", ""])(
  "a contained answer of type %j may be framed by us alone",
  async (type) => {
    const answer = await answerOf(type);
    expect(answer.status).toBe(200);
    expect(answer.header("content-security-policy")).toBe(
      "sandbox; default-src 'none'; frame-ancestors 'self'",
    );
  },
);

test("or by those that the operator names", async () => {
  const answer = await answerOf("text/html", ["none"]);
  expect(answer.header("content-security-policy")).toContain("; frame-ancestors 'none'");
});
