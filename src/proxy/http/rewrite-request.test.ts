import { describe, expect, test } from "vitest";
import { testBackend } from "../../../test/support/test-backend.ts";
import { prepareRequest, withCredentials } from "./rewrite-request.ts";

const target = { path: "/api/v1/items", query: "" };
const rules = {
  backend: testBackend,
  identityHeaders: new Set(["x-user"]),
  tagSuffix: null,
  clientAddress: "198.51.100.7",
};
const prepared = (...headers: readonly string[]): readonly string[] =>
  prepareRequest({ method: "POST", headers, target }, rules).headers;

describe("the headers of a request", () => {
  test("are what the client may say, then what we say, and nothing after that", () => {
    const kept = prepared("Accept", "*/*", "X-Forwarded-For", "192.0.2.1", "X-User", "eve", "Cookie", "a=b");
    const sent = withCredentials(kept, { cookie: "eas.sid=1", csrfToken: "token", shown: [] });
    expect(sent).toEqual([
      "Accept",
      "*/*",
      "x-forwarded-for",
      "198.51.100.7",
      "cookie",
      "eas.sid=1",
      "qlik-csrf-token",
      "token",
    ]);
    for (const list of [kept, sent]) {
      expect(() => (list as string[]).push("cookie", "eas.sid=eve")).toThrow(TypeError);
      expect(() => ((list as string[])[1] = "eve")).toThrow(TypeError);
    }
  });

  test("cannot be taken away by their names in Connection", () => {
    const kept = prepared("Connection", "x-forwarded-for, cookie, qlik-csrf-token, x-own", "X-Own", "1");
    expect(kept).toEqual(["x-forwarded-for", "198.51.100.7"]);
  });
});
