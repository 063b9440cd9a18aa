import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { createHostSessions } from "./host-sessions.ts";
import { sampleUsers } from "./sample-users.ts";

const [alice, bruno] = sampleUsers as [(typeof sampleUsers)[number], (typeof sampleUsers)[number]];

const requestWith = (cookie: string | undefined): IncomingMessage =>
  ({ headers: { cookie } }) as IncomingMessage;

/** The session's cookie as a browser sends it back. */
const pairOf = ({ cookies }: { readonly cookies: readonly string[] }): string =>
  cookies[0]?.split(";", 1)[0] ?? "";

describe("createHostSessions", () => {
  test("finds a session by its cookie among others", () => {
    const sessions = createHostSessions();
    const cookie = pairOf(sessions.start(alice));
    expect(sessions.find(requestWith(`theme=dark; ${cookie}; other=1`))?.user).toBe(alice);
    expect(sessions.find(requestWith(undefined))).toBeUndefined();
    expect(sessions.find(requestWith("portal_session=guess"))).toBeUndefined();
  });

  test("gives every sign-in a cookie and an id of its own, and the id does not open the session", () => {
    const sessions = createHostSessions();
    const [first, second] = [sessions.start(alice), sessions.start(alice)].map(pairOf);
    expect(first).not.toBe(second);
    const ids = [first, second].map((cookie) => sessions.find(requestWith(cookie))?.id ?? "");
    expect(new Set(ids).size).toBe(2);
    expect(sessions.find(requestWith(`portal_session=${ids[0]}`))).toBeUndefined();
  });

  test("sets a cookie that scripts cannot read and other sites do not send", () => {
    const [session, seen] = createHostSessions().start(bruno).cookies;
    expect(session).toMatch(/^portal_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(seen).toBe("portal_seen=1; Path=/; HttpOnly; SameSite=Lax");
  });

  test("knows a browser that had a session from one that is new", () => {
    const sessions = createHostSessions();
    expect(sessions.wasHere(requestWith(undefined))).toBe(false);
    expect(sessions.wasHere(requestWith("portal_seen=1"))).toBe(true);
  });

  test("forgets a session that was ended, and no other", () => {
    const sessions = createHostSessions();
    const [gone, kept] = [sessions.start(alice), sessions.start(bruno)].map(pairOf);
    sessions.end(requestWith(gone));
    expect(sessions.find(requestWith(gone))).toBeUndefined();
    expect(sessions.find(requestWith(kept))?.user).toBe(bruno);
  });
});
