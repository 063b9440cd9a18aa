import type { IncomingMessage, RequestListener } from "node:http";
import express from "express";
import { describe, expect, test } from "vitest";
import type { SessionProxy } from "../../src/index.ts";
import { cleanedUp } from "../support/started.ts";
import { answerBoth, forwarded, knockAt } from "./doors.ts";

const started = cleanedUp();
const policy = { allow: ["/**"], deny: ["/api/v1/spaces/**"] };

/** Reads a target as frameworks do that tidy it up: escapes undone, dots and double slashes resolved. */
const tidied = ({ url = "/" }: IncomingMessage): string => {
  const { pathname, search } = new URL(
    url.replaceAll(/\\|%5c/gi, "/").replaceAll(/\/{2,}/g, "/"),
    "http://a",
  );
  try {
    return new URL(decodeURIComponent(pathname), "http://a").pathname + search;
  } catch {
    return pathname + search;
  }
};

/** How an application can stand in front of the proxy. attacks P7 */
const mounts: readonly (readonly [string, (proxy: SessionProxy) => RequestListener])[] = [
  ["Express", (proxy) => express().use(proxy)],
  [
    "Express that minds case and slashes",
    (proxy) => express().enable("case sensitive routing").enable("strict routing").use(proxy),
  ],
  ["Express, below a path", (proxy) => express().use("/qlik", proxy)],
  ["Express, below a path and a router", (proxy) => express().use("/", express.Router().use("/qlik", proxy))],
  [
    "Express, behind a middleware that tidies the address",
    (proxy) =>
      express()
        .use((request, _response, next) => {
          request.url = tidied(request);
          next();
        })
        .use(proxy),
  ],
];

/** What is asked, with what the proxy alone makes of it. */
const decisions: readonly (readonly [string, number])[] = [
  ["/qlik/open", 200],
  ["/qlik/open/", 200],
  ["/qlik/Open;v=1?a=/../b", 200],
  ["/qlik/id%2Fb%3Fc%3D", 200],
  ["/qlik/api/v1/spaces", 404],
  ["/qlik/API/v1/Spaces/", 404],
  ["/qlik/api/v1/%73paces;x", 404],
  ["/qlik/login/jwt-session", 404],
  ["/qlik/../open", 400],
  ["/qlik/%2e%2e/open", 400],
  ["/qlik/%252e%252e/open", 400],
  ["/qlik/a/..;/open", 400],
  ["/qlik//open", 400],
  ["/qlik/a\\open", 400],
  ["/qlik/a%5copen", 400],
  ["/qlik/%c0%ae/open", 400],
  ["/qlik/open%00", 400],
  ["/qlikevil/open", 404],
  ["/QLIK/open", 404],
  ["/%71lik/open", 404],
];

async function decide(
  mount?: (proxy: SessionProxy) => RequestListener,
): Promise<{ readonly statuses: readonly (readonly [string, number])[]; readonly sent: readonly string[] }> {
  const { stack, upstream } = await started.raw(answerBoth, {
    proxy: { policy },
    ...(mount === undefined ? {} : { mount }),
  });
  const statuses: [string, number][] = [];
  for (const [target] of decisions) statuses.push([target, (await knockAt(stack, "request", target)).status]);
  return { statuses, sent: forwarded(upstream.seen).map(({ path }) => path) };
}

describe("what is let in, and what travels", () => {
  const sent = ["/open", "/open/", "/Open;v=1?a=/../b", "/id%2Fb%3Fc%3D"];

  test("is decided by the proxy alone", async () => {
    expect(await decide()).toEqual({ statuses: decisions, sent });
  });

  test.each(mounts)("is the same in %s", async (_name, mount) => {
    expect(await decide(mount)).toEqual({ statuses: decisions, sent });
  });
});
