import { describe, expect, test } from "vitest";
import { endToEndHeaders } from "./end-to-end.ts";
import { connectionNames, isHopByHop } from "./hop-by-hop.ts";

describe("isHopByHop", () => {
  test.each([
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ])("%s ends here", (name) => {
    expect(isHopByHop(name)).toBe(true);
  });

  test.each(["cookie", "content-length", "host", "expect", "via", "x-te", "constructor", "__proto__"])(
    "%s goes on",
    (name) => {
      expect(isHopByHop(name)).toBe(false);
    },
  );
});

describe("connectionNames", () => {
  test("reads every Connection header, in any case, with any white space", () => {
    const raw = ["CONNECTION", " keep-alive ,\tCookie", "X", "y", "Connection", "Qlik-Csrf-Token,,upgrade,"];
    expect([...connectionNames(raw)]).toEqual(["keep-alive", "cookie", "qlik-csrf-token", "upgrade"]);
  });

  test("is empty without one", () => {
    expect(connectionNames(["Host", "a", "Keep-Alive", "timeout=5"]).size).toBe(0);
  });
});

describe("endToEndHeaders", () => {
  test("leaves out what ends here, what the peer lists before or after it, and what cannot be written", () => {
    const raw = ["X-Early", "1", "TE", "x", "Connection", "x-early, X-LATE", "x-late", "2", "Bad Name", "3"];
    expect(endToEndHeaders([...raw, "X-Odd", "a\0", "X-Kept", "4", "x-kept", "5", "cut"])).toEqual({
      headers: ["X-Kept", "4", "x-kept", "5"],
      names: ["x-kept", "x-kept"],
    });
  });
});
