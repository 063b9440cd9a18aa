import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { OptionsError, SessionProxyError } from "../errors.ts";
import { createTrustedHeaderIdentify, type TrustedHeaderOptions } from "./trusted-header.ts";

const names: TrustedHeaderOptions = {
  from: ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"],
  subject: "X-User-Sub",
  name: "X-User-Name",
  email: "X-User-Email",
  emailVerified: "X-User-Email-Verified",
  groups: "X-User-Groups",
  sessionId: "X-User-Session",
};

/** A request as Node hands it over: header values are bytes read as latin1. */
const request = (headers: readonly (readonly [string, string])[], remoteAddress?: string): IncomingMessage =>
  ({
    rawHeaders: headers.flatMap(([name, value]) => [name, Buffer.from(value).toString("latin1")]),
    socket: { remoteAddress: remoteAddress ?? "127.0.0.1" },
  }) as unknown as IncomingMessage;

const identify = createTrustedHeaderIdentify(names);

describe("createTrustedHeaderIdentify", () => {
  test("reads every named header", () => {
    const identity = identify(
      request([
        ["x-user-sub", "acme|zoë"],
        ["X-USER-NAME", "Zoë 山田"],
        ["X-User-Email", "zoe@example.com"],
        ["X-User-Email-Verified", "true"],
        ["X-User-Groups", '["Sales, EMEA","Finance"]'],
        ["X-User-Session", "s-1"],
      ]),
    );
    expect(identity).toEqual({
      subject: "acme|zoë",
      name: "Zoë 山田",
      email: "zoe@example.com",
      emailVerified: true,
      groups: ["Sales, EMEA", "Finance"],
      sessionId: "s-1",
    });
  });

  test.each(["127.0.0.1", "::ffff:127.0.0.1", "10.200.3.4", "::ffff:10.0.0.1", "fd00::5", "fd12:3456::1"])(
    "believes the peer %s",
    (peer) => {
      expect(identify(request([["X-User-Sub", "ann"]], peer))).toEqual({ subject: "ann" });
    },
  );

  test.each(["127.0.0.2", "11.0.0.1", "::1", "::ffff:11.0.0.1", "fe80::1%eth0", "", "edge:"])(
    "does not believe the peer %j",
    (peer) => {
      expect(identify(request([["X-User-Sub", "ann"]], peer))).toBeNull();
    },
  );

  test("does not believe a peer without an address", () => {
    const onUnixSocket = { rawHeaders: ["X-User-Sub", "ann"], socket: {} } as unknown as IncomingMessage;
    expect(identify(onUnixSocket)).toBeNull();
  });

  test("asks the socket, not a forwarding header", () => {
    const spoofed = request(
      [
        ["X-User-Sub", "ann"],
        ["X-Forwarded-For", "127.0.0.1"],
      ],
      "192.0.2.1",
    );
    expect(identify(spoofed)).toBeNull();
  });

  test.each([
    [
      "subject",
      [
        ["X-User-Sub", "ann"],
        ["x-user-sub", "bob"],
      ],
    ],
    [
      "same subject",
      [
        ["X-User-Sub", "ann"],
        ["X-User-Sub", "ann"],
      ],
    ],
    [
      "name",
      [
        ["X-User-Sub", "ann"],
        ["X-User-Name", "Ann"],
        ["X-User-Name", "Bob"],
      ],
    ],
    [
      "empty and full subject",
      [
        ["X-User-Sub", ""],
        ["X-User-Sub", "bob"],
      ],
    ],
  ] as const)("is anonymous when a header comes twice: %s", (_what, headers) => {
    expect(identify(request(headers))).toBeNull();
  });

  test("does not take a look-alike with an underscore for the header", () => {
    expect(identify(request([["X_User_Sub", "ann"]]))).toBeNull();
  });

  test.each([
    ["missing", []],
    ["empty", [["X-User-Sub", ""]]],
    ["overlong", [["X-User-Sub", "x".repeat(257)]]],
    ["with a control character", [["X-User-Sub", "ann\tbob"]]],
    ["with a C1 control", [["X-User-Sub", "ann\u0085"]]],
    ["with white space that HTTP does not know", [["X-User-Sub", "\u00a0ann"]]],
    ["a placeholder that was not filled in", [["X-User-Sub", "{http.reverse_proxy.header.X-User-Sub}"]]],
  ] as const)("is anonymous when the subject is %s", (_what, headers) => {
    expect(identify(request(headers))).toBeNull();
  });

  test.each([
    "-",
    "(null)",
    "null",
    "undefined",
    "$remote_user",
    "${user}",
    "%{REMOTE_USER}",
    "%{X-Forwarded-User}e",
    "{http.auth.user.id}",
  ])("is anonymous where the front door had nothing to fill in: %s", (nothing) => {
    expect(identify(request([["X-User-Sub", nothing]]))).toBeNull();
    const withSession = (id: string) =>
      request([
        ["X-User-Sub", "ann"],
        ["X-User-Session", id],
      ]);
    expect(identify(withSession(nothing))).toBeNull();
    // Who is only called so is somebody.
    expect(identify(withSession(`x${nothing}`))).toEqual({ subject: "ann", sessionId: `x${nothing}` });
  });

  test("is anonymous when the bytes are not UTF-8", () => {
    const latin1 = {
      rawHeaders: ["X-User-Sub", "zo\xeb"],
      socket: { remoteAddress: "127.0.0.1" },
    } as unknown as IncomingMessage;
    expect(identify(latin1)).toBeNull();
  });

  test("leaves empty optional headers out", () => {
    const given = request([
      ["X-User-Sub", "ann"],
      ["X-User-Email", ""],
      ["X-User-Groups", ""],
    ]);
    expect(identify(given)).toEqual({ subject: "ann" });
  });

  test("takes everything but a plain yes for an address that is not verified", () => {
    const given = request([
      ["X-User-Sub", "ann"],
      ["X-User-Email-Verified", "unknown"],
    ]);
    expect(identify(given)).toEqual({ subject: "ann", emailVerified: false });
  });

  test("splits groups at the stated separator only", () => {
    const split = createTrustedHeaderIdentify({ ...names, groupsSeparator: ";" });
    const given = request([
      ["X-User-Sub", "ann"],
      ["X-User-Groups", "CN=Sales,O=Acme; Finance;"],
    ]);
    expect(split(given)?.groups).toEqual(["CN=Sales,O=Acme", "Finance"]);
  });

  test("blames the host for groups that it cannot read", () => {
    const given = request([
      ["X-User-Sub", "ann"],
      ["X-User-Groups", "Sales,Finance"],
    ]);
    expect(() => identify(given)).toThrow(SessionProxyError);
  });

  test("names the headers that must not travel on", () => {
    expect(identify.headerNames).toEqual([
      "x-user-sub",
      "x-user-name",
      "x-user-email",
      "x-user-email-verified",
      "x-user-groups",
      "x-user-session",
    ]);
  });

  test.each([
    ["0.0.0.0/0", "every peer"],
    ["::/0", "every peer"],
    ["::ffff:0.0.0.0/96", "every peer"],
    ["10.0.0.0/33", "not an address"],
    ["localhost", "not an address"],
    ["10.0.0", "not an address"],
  ])("refuses to believe %s", (range, reason) => {
    expect(() => createTrustedHeaderIdentify({ ...names, from: [range] })).toThrow(reason);
  });

  test("lists every problem of its options at once", () => {
    const wrong = { from: [], subject: "X User", name: "X-Same", email: "x-same", groups: "Host" };
    const thrown = (() => {
      try {
        return createTrustedHeaderIdentify(wrong);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(OptionsError);
    const { problems } = thrown as OptionsError;
    expect(problems.map(({ path }) => path)).toEqual(["from", "subject", "email", "groups"]);
  });
});
