/*
 * On a host of our own a logout has the browser drop what it keeps of that host. The answer to DELETE of the session did,
 * the page `logout` did not: whoever sat down at that browser next could find answers of the last user in its cache.
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const sibling = "http://app.portal.localhost:4000";
const navigation = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" };

test("a logout on a host of our own empties its cache, by script and by page", async () => {
  const stack = await started.stack({
    proxy: { allowedOrigins: [sibling], prefix: "/", root: { takeLogin: true } },
  });
  const fromSibling = { origin: sibling, "sec-fetch-site": "same-site" };
  const byScript = await stack.get("/_session", { method: "DELETE", headers: fromSibling });
  const byPage = await stack.get("/logout", { headers: navigation });
  const form = await stack.get("/logout", { headers: { ...navigation, "sec-fetch-site": "same-site" } });
  expect([byScript, byPage, form].map((answer) => answer.header("clear-site-data"))).toEqual([
    '"cache"',
    '"cache"',
    undefined,
  ]);
});

test("where the host is the app's, its cache is left alone", async () => {
  const stack = await started.stack({ proxy: { allowedOrigins: [sibling] } });
  const byScript = await stack.get("/_session", { method: "DELETE", headers: { origin: stack.origin } });
  const byPage = await stack.get("/logout", { headers: navigation });
  expect([byScript, byPage].map(({ status }) => status)).toEqual([204, 200]);
  for (const answer of [byScript, byPage]) expect(answer.header("clear-site-data")).toBeUndefined();
});
