import { describe, expect, test } from "vitest";
import { OptionsError, SessionProxyError } from "../../errors.ts";
import { ListenError } from "../listener.ts";
import { createPeer, type Peer, PeerGone } from "./peer.ts";

interface TestCalls {
  double(value: number): number;
  fail(kind: string): never;
  wait(argument: null): Promise<never>;
}

const failures: Readonly<Record<string, Error>> = {
  proxy: new SessionProxyError("QSP-STORE", { retryAfter: 3, reason: "the session store: away" }),
  options: new OptionsError([{ path: "listen", message: "is wrong" }]),
  listen: new ListenError("127.0.0.1:1 is already in use"),
  other: new TypeError("a bug"),
};

/** Two ends of one channel over which only text travels; `sent` takes what the other end sends. */
function connected(sent: unknown[] = []): Peer<TestCalls> {
  const calls: TestCalls = {
    double: (value) => value * 2,
    fail(kind) {
      throw failures[kind] ?? new Error("unknown");
    },
    wait: () => new Promise(() => {}),
  };
  const carry = (to: () => Peer<unknown>) => (message: unknown) => {
    const text = JSON.stringify(message);
    queueMicrotask(() => to().receive(JSON.parse(text)));
  };
  const here: Peer<TestCalls> = createPeer({ calls: {}, send: carry(() => there) });
  const back = carry(() => here);
  const there = createPeer<never>({
    calls: calls as never,
    send(message) {
      sent.push(message);
      back(message);
    },
  });
  return here;
}

describe("createPeer", () => {
  test("gives each call its own answer", async () => {
    const peer = connected();
    expect(await Promise.all([1, 2, 3].map((value) => peer.call("double", value)))).toEqual([2, 4, 6]);
  });

  test("an error of ours arrives as it was, and any other by its words", async () => {
    const peer = connected();
    await expect(peer.call("fail", "proxy")).rejects.toMatchObject({
      code: "QSP-STORE",
      status: 503,
      retryAfter: 3,
      reason: "the session store: away",
    });
    await expect(peer.call("fail", "options")).rejects.toEqual(failures["options"]);
    await expect(peer.call("fail", "listen")).rejects.toBeInstanceOf(ListenError);
    await expect(peer.call("fail", "other")).rejects.toThrow("a bug");
    await expect(peer.call("constructor" as "double", 1)).rejects.toThrow("there is no constructor");
  });

  test("what is told is done, and not answered, whatever comes of it", async () => {
    const sent: unknown[] = [];
    const peer = connected(sent);
    peer.tell("double", 1);
    peer.tell("fail", "other");
    expect(await peer.call("double", 2)).toBe(4);
    expect(sent).toHaveLength(1);
  });

  test("a death answers everything that was asked, and everything that is asked after it", async () => {
    const peer = connected();
    const waiting = peer.call("wait", null);
    peer.gone();
    await expect(waiting).rejects.toBeInstanceOf(PeerGone);
    await expect(peer.call("double", 1)).rejects.toBeInstanceOf(PeerGone);
  });
});
