/*
 * A rule of the operator's outside `/api` opens pages of the tenant, and those came from the origin of the
 * application: their scripts, and those of every extension in them, could read and do what the application's own
 * can. They come in a sandbox, without that origin, unless the operator has written down that they are trusted.
 */
import { describe, expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const page = "<!doctype html><script>document.cookie</script>";

async function startPages(options: { readonly trusted: boolean; readonly policies?: readonly string[] }) {
  const { stack } = await started.raw(
    (_request, socket) => {
      const policies = (options.policies ?? [])
        .map((each) => `Content-Security-Policy: ${each}\r\n`)
        .join("");
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n`;
      socket.write(`${head}${policies}\r\n${page}`);
    },
    {
      proxy: {
        policy: { presets: ["embed"], allow: ["GET /single/**"] },
        unsafe: {
          plainHttpTenant: true,
          plainHttpPublic: true,
          foreignScriptOnAppOrigin: options.trusted,
        },
      },
    },
  );
  return stack;
}

/** The sandboxes that a browser would put the page in; each policy may bring one. */
const sandboxes = (header: string | undefined): readonly string[] =>
  (header ?? "")
    .split(/[;,]/)
    .map((directive) => directive.trim().toLowerCase())
    .filter((directive) => directive.split(/\s/)[0] === "sandbox");

const navigation = { headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" } };

describe.each([
  ["without a policy of its own", []],
  ["with a policy", ["default-src 'self'; frame-ancestors 'none'"]],
  ["with a sandbox that lets it out", ["sandbox allow-scripts allow-same-origin"]],
])("a page of the tenant %s", (_name, policies) => {
  test("comes in a sandbox without our origin", async () => {
    const stack = await startPages({ trusted: false, policies });
    const answer = await stack.get("/single/?appid=x", navigation);
    expect(answer.status).toBe(200);
    const given = sandboxes(answer.header("content-security-policy"));
    expect(given.some((sandbox) => !sandbox.includes("allow-same-origin"))).toBe(true);
    expect(given.some((sandbox) => !/allow-top-navigation/.test(sandbox))).toBe(true);
    expect(answer.header("x-content-type-options")).toBe("nosniff");
  });

  test("comes as it is where the operator trusts it", async () => {
    const stack = await startPages({ trusted: true, policies });
    const answer = await stack.get("/single/?appid=x", navigation);
    expect([answer.status, answer.text]).toEqual([200, page]);
    expect(sandboxes(answer.header("content-security-policy"))).toEqual(
      sandboxes(policies.length === 0 ? undefined : policies.join()),
    );
  });
});
