import { describe, expect, test } from "vitest";
import { shakeHands } from "../support/raw-handshake.ts";
import { cleanedUp } from "../support/started.ts";
import {
  ask,
  data,
  foreign,
  otherSibling,
  page,
  sibling,
  startSignedIn,
  untouched,
  type Headers,
} from "./signed-in-browser.ts";

/* What pages of other sites can make the browser of a signed-in user send, and what must come of it. */

const started = cleanedUp();

/** What browsers say of a request that a foreign page makes them send. */
const origins: readonly (readonly [string, Headers])[] = [
  ["a browser of today", { origin: foreign, "sec-fetch-site": "cross-site" }],
  ["a browser without Fetch-Metadata", { origin: foreign }],
  ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
  ["a sandboxed frame, without Fetch-Metadata", { origin: "null" }],
  ["a page without referrer", { "sec-fetch-site": "cross-site" }],
  ["a page that a sibling could have", { origin: otherSibling, "sec-fetch-site": "same-site" }],
  ["a browser that says nothing at all", {}],
];

describe("a form of a foreign page (attacks C1)", () => {
  const boundary = "x";
  const multipart = `--${boundary}\r\nContent-Disposition: form-data; name="type"\r\n\r\na\r\n--${boundary}--\r\n`;

  test.each([
    ["application/x-www-form-urlencoded", "type=sense-image-1.0&_method=DELETE"],
    ["text/plain", '{"type":"sense-image-1.0","x":"="}'],
    [`multipart/form-data; boundary=${boundary}`, multipart],
    ["application/json", '{"type":"sense-image-1.0"}'],
  ])("in %s is refused, and the tenant does not hear of it", async (type, body) => {
    const stack = await startSignedIn(started);
    const expectUntouched = await untouched(stack);
    for (const [browser, headers] of origins) {
      for (const path of ["/api/v1/reports", "/api/v1/licenses/allotments", "/_session", "/logout"]) {
        const asNavigation = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
        const answer = await ask(
          stack,
          path,
          { "content-type": type, ...asNavigation, ...headers },
          { method: "POST", body },
        );
        expect([browser, path, answer.status]).toEqual([browser, path, 403]);
      }
    }
    await expectUntouched();
  });
});

describe("a fetch of a foreign page without a body (attacks C2)", () => {
  test.each(["POST", "DELETE", "PUT", "PATCH"])("%s is refused", async (method) => {
    const stack = await startSignedIn(started, {
      policy: { presets: ["embed"], allow: ["/api/v1/anything"] },
    });
    const expectUntouched = await untouched(stack);
    const empty = { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty", "content-length": "0" };
    for (const [browser, headers] of origins) {
      for (const path of ["/_session", "/api/v1/anything"]) {
        const answer = await ask(stack, path, { ...empty, ...headers }, { method });
        expect([browser, path, answer.status]).toEqual([browser, path, 403]);
      }
    }
    await expectUntouched();
  });
});

describe("a page of a sibling (attacks C3)", () => {
  const sameSite = { "sec-fetch-site": "same-site" };
  const requests: readonly (readonly [string, string, string, Headers])[] = [
    ["a fetch", "GET", data, { origin: otherSibling }],
    ["a write", "POST", "/api/v1/reports", { origin: otherSibling }],
    ["a write without an Origin", "POST", "/api/v1/reports", {}],
    ["a log-out", "DELETE", "/_session", { origin: otherSibling }],
    ["an image of data", "GET", data, { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" }],
    ["an image of data, with its referrer", "GET", data, { referer: `${otherSibling}/` }],
    ["a link to data", "GET", data, { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }],
    ["a look at the session", "GET", "/_session", {}],
    ["a stream of the session", "GET", "/_session/events", {}],
  ];

  test("that is not listed gets nothing, whether another sibling is listed or none", async () => {
    for (const allowedOrigins of [[], [sibling]]) {
      const stack = await startSignedIn(started, { allowedOrigins });
      const expectUntouched = await untouched(stack);
      for (const [what, method, path, headers] of requests) {
        const answer = await ask(stack, path, { ...sameSite, ...headers }, { method });
        expect([what, answer.status]).toEqual([what, 403]);
        expect(answer.header("access-control-allow-origin")).toBeUndefined();
      }
      const upgrade = { cookie: "portal=ann", "x-test-user": null, origin: otherSibling, ...sameSite };
      expect((await shakeHands(stack.origin, { headers: upgrade })).status).toBe(403);
      await expectUntouched();
    }
  });

  test("that is listed reads and writes, under its exact name", async () => {
    const stack = await startSignedIn(started, { allowedOrigins: [sibling] });
    const listed = { origin: sibling, ...sameSite };
    const answers = [
      await ask(stack, data, listed),
      await ask(stack, "/api/v1/licenses/allotments", listed, { method: "POST", body: "{}" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    for (const answer of answers) expect(answer.header("access-control-allow-origin")).toBe(sibling);
  });
});

describe("a browser without Fetch-Metadata (attacks C4)", () => {
  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])(
    "%s with a foreign Origin is refused",
    async (method) => {
      const stack = await startSignedIn(started, { policy: { allow: ["/api/v1/anything"] } });
      const expectUntouched = await untouched(stack);
      for (const origin of [
        foreign,
        "null",
        otherSibling,
        "http://portal.localhost",
        "http://portal.localhost.evil.tld",
      ]) {
        const answer = await ask(stack, "/api/v1/anything", { origin }, { method });
        expect([origin, answer.status]).toEqual([origin, 403]);
      }
      await expectUntouched();
    },
  );

  test.each(["POST", "PUT", "PATCH", "DELETE"])("%s with neither header is refused", async (method) => {
    const stack = await startSignedIn(started, { policy: { allow: ["/api/v1/anything"] } });
    const expectUntouched = await untouched(stack);
    for (const headers of [
      {},
      { referer: `${stack.origin}/page` },
      { "x-requested-with": "XMLHttpRequest" },
    ]) {
      expect((await ask(stack, "/api/v1/anything", headers, { method })).status).toBe(403);
    }
    await expectUntouched();
  });
});

describe("what a foreign page loads (attacks C5)", () => {
  const site = { "sec-fetch-site": "cross-site" };
  const kinds = ["image", "script", "style", "font", "audio", "video", "object", "embed", "worker", "empty"];

  test.each([
    ["data", data],
    ["a list", "/api/v1/items"],
    ["a page", page],
    ["the session", "/_session"],
    ["a file", "/resources/a.js"],
    ["product info", "/resources/autogenerated/product-info.json"],
  ])("%s is refused as any kind of sub-resource, and as a frame", async (_name, path) => {
    const stack = await startSignedIn(started);
    const expectUntouched = await untouched(stack);
    for (const dest of kinds) {
      const answer = await ask(stack, path, { ...site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": dest });
      expect([dest, answer.status]).toEqual([dest, 403]);
    }
    for (const dest of ["iframe", "frame", "object", "embed"]) {
      const answer = await ask(stack, path, {
        ...site,
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": dest,
      });
      expect([dest, answer.status]).toEqual([dest, 403]);
    }
    await expectUntouched();
  });

  test("a link to data is refused, one to a page is followed", async () => {
    const stack = await startSignedIn(started);
    const expectUntouched = await untouched(stack);
    const link = { ...site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    for (const path of [data, "/api/v1/items", "/_session", "/_session/events"]) {
      expect([path, (await ask(stack, path, link)).status]).toEqual([path, 403]);
    }
    await expectUntouched();
    expect((await ask(stack, page, link)).status).not.toBe(403);
    // Also of a listed sibling, into a frame; not of one that is not.
    const siblings = await startSignedIn(started, { allowedOrigins: [sibling] });
    const frame = { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" };
    expect((await ask(siblings, page, frame)).status).not.toBe(403);
    expect((await ask(stack, page, frame)).status).toBe(403);
  });
});
