import { describe, expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";
import { ask, foreign, startSignedIn, untouched, type Headers } from "./signed-in-browser.ts";

/* Links, images and forms of other sites that lead to our log-in and log-out. */

const started = cleanedUp();

describe("a log-out by a link or an image (attacks C7)", () => {
  const navigation = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

  test.each<[string, Headers, number]>([
    ["a foreign image", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, 403],
    ["a foreign frame", { "sec-fetch-site": "cross-site", ...navigation, "sec-fetch-dest": "iframe" }, 403],
    ["a foreign link", { "sec-fetch-site": "cross-site", ...navigation }, 200],
    ["a sibling's link", { "sec-fetch-site": "same-site", ...navigation }, 403],
    ["a typed address", { "sec-fetch-site": "none", ...navigation }, 200],
    ["an old browser's image", {}, 403],
    ["an old browser's foreign link", { referer: `${foreign}/` }, 403],
    ["an image of our own page", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors" }, 200],
  ])("%s logs nobody out", async (_name, headers, status) => {
    const stack = await startSignedIn(started);
    const expectUntouched = await untouched(stack);
    const answer = await ask(stack, "/logout", headers);
    // A question at most, which no other page can answer in a frame.
    expect([answer.status, answer.text.includes('<form method="post">')]).toEqual([status, status === 200]);
    expect(answer.header("content-security-policy")).toMatch(
      status === 200 ? /frame-ancestors 'none'/ : /default-src 'none'/,
    );
    expect((await ask(stack, "/logout", headers, { method: "HEAD" })).status).toBe(status);
    for (const path of ["/_session", "/_session/", "/_session?_method=DELETE"])
      await ask(stack, path, headers);
    await expectUntouched();
  });

  test("a navigation of our own does", async () => {
    const stack = await startSignedIn(started);
    await untouched(stack);
    expect((await ask(stack, "/logout", { "sec-fetch-site": "same-origin", ...navigation })).status).toBe(
      200,
    );
    expect(stack.tenant.sessions.list()).toEqual([]);
  });
});

describe("a log-in by a foreign page (attacks C8)", () => {
  test("binds nobody: no session is made, nothing is set, and the way leads to our own page", async () => {
    const stack = await startSignedIn(started);
    const link = {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    const answer = await ask(stack, `/login?returnto=${encodeURIComponent(`${foreign}/`)}`, link);
    expect(answer.status).toBe(400);
    const own = await ask(stack, "/login?returnto=%2F", link);
    expect([own.status, own.header("location"), own.header("set-cookie")]).toEqual([
      302,
      `${stack.origin}/`,
      undefined,
    ]);
    expect(stack.tenant.recordings()).toEqual([]);
    const form = { "sec-fetch-site": "cross-site", origin: foreign };
    expect((await ask(stack, "/login", form, { method: "POST" })).status).toBe(403);
  });

  test("leads to no route of ours that does something (C7)", async () => {
    const stack = await startSignedIn(started);
    const to = async (returnto: string): Promise<unknown> => {
      const answer = await ask(stack, `/login?returnto=${encodeURIComponent(returnto)}`, {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
      });
      return answer.header("location") ?? answer.status;
    };
    const deeds = [
      "/logout",
      "/logout?x",
      "/login?returnto=/",
      "/_session/events",
      "/_session/callback?state=x",
    ];
    for (const path of [...deeds, "/x/../logout", "//logout", "/%6cogout", "/%256cogout", "/\\logout"])
      for (const base of ["", stack.origin])
        expect([path, await to(`${base}/qlik${path}`)]).toEqual([path, 400]);
    for (const path of ["/qlik/_session", "/qlik/logout/x", "/logout", "/qlik/%", "/%E0%A4/x"])
      expect(await to(path)).toBe(stack.origin + path);
  });
});
