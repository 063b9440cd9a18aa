import { expect, test } from "vitest";
import { resolveOptions } from "../../src/options/session-proxy-options.ts";
import { createExplainer } from "../../src/proxy/explain/explain.ts";
import { testKey } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { user } from "./explain-questions.ts";
import { proxyOptions, startBoth } from "./explained-proxy.ts";

/* Samples of answers are sent by a tenant, and arrive as it is said. */

const started = cleanedUp();

test.each([
  ["rest", "/api/v1/items/x", {}, {}],
  ["rest", "/api/v1/items/x", {}, { Range: "bytes=0-99" }],
  ["static", "/assets/x", {}, {}],
  ["page", "/single/x", {}, {}],
  ["page", "/single/x", { foreignScriptOnAppOrigin: true }, {}],
])(
  "what is said of answers is what happens: class %s: %s %j %j",
  async (routeClass, path, unsafe, asking) => {
    const options = proxyOptions("/qlik");
    const { stack, upstream, explain } = await startBoth(started, "/qlik", {
      ...options,
      unsafe: { ...options.unsafe, ...unsafe },
    });
    const { taker, answers } = explain({
      method: "GET",
      upgrade: false,
      target: `/qlik${path}`,
      headers: [...user.flat(), ...Object.entries(asking).flat()],
    });
    expect(taker).toMatchObject({ kind: "tenant", routeClass, needsIdentity: routeClass !== "static" });
    expect(answers?.byType.map(({ type }) => type)).toContain("text/html");
    for (const { type, headers, rewritesLinks } of answers?.byType ?? []) {
      const link = JSON.stringify({ href: `${upstream.address}/x` });
      const policy =
        type === "text/html"
          ? `Content-Security-Policy: connect-src ${upstream.origin}; frame-ancestors ${upstream.origin}\r\n`
          : "";
      upstream.handle((_request, socket) =>
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nCache-Control: public, max-age=3600\r\n${policy}` +
            `Content-Length: ${link.length}\r\n\r\n${link}`,
        ),
      );
      const answer = await stack.get(path, { headers: asking });
      const told = [...(answers?.every ?? []), ...headers];
      const names = told.filter((_, i) => i % 2 === 0);
      for (const [at, name] of names.entries())
        expect([type, name, answer.header(name)]).toEqual([type, name, told[at * 2 + 1]]);
      for (const name of ["content-security-policy", "content-disposition"])
        expect([type, name, names.includes(name)]).toEqual([type, name, answer.header(name) !== undefined]);
      expect([type, answer.text.includes(upstream.address)]).toEqual([type, !rewritesLinks]);
    }
  },
);

test("without a public origin the question counts as come over TLS", () => {
  const explain = createExplainer(
    resolveOptions({
      tenant: { origin: "https://acme.eu.qlikcloud.com", signingKeys: [testKey] },
      identify: () => null,
      policy: { allow: ["GET /single/**"] },
      unsafe: { foreignScriptOnAppOrigin: true },
    }),
  );
  const { answers } = explain({ method: "GET", upgrade: false, target: "/qlik/single/x", headers: [] });
  expect(JSON.stringify(answers)).toContain(" https://localhost wss://localhost;");
});
