import type { ServerResponse } from "node:http";
import type { EndReason, ProxySession } from "../../session/proxy-session.ts";
import type { SessionManager } from "../../session/session-manager.ts";

/** Whom to follow, and where to report. */
export interface Following {
  readonly response: ServerResponse;
  /** The session at this moment, as far as this node has it; it may begin after the stream. */
  readonly find: () => ProxySession | undefined;
  /** Asks the store whether another node has it. */
  readonly look: () => Promise<unknown>;
  readonly sessions: SessionManager;
  readonly now: () => number;
  /** Milliseconds before an end at which it is announced. */
  readonly announceBefore: number;
  /** Then the stream ends, and the browser opens another one elsewhere. */
  readonly isDraining: () => boolean;
}

/** How often a stream looks for a session that began, was renewed or nears its end. Milliseconds. */
const lookEvery = 1000;

/** How often the store is asked for a session that this node does not have. Milliseconds. */
const askEvery = 5000;

/** How often a comment is sent, so that no edge takes the stream for dead. Milliseconds. */
const commentEvery = 25_000;

/** Reports `renewed`, `expiring` and `ended` of a session as server-sent events until the browser leaves. product B4 */
export function followSession(following: Following): void {
  const { response, find, look: ask, sessions, now, announceBefore, isDraining } = following;
  let followed: ProxySession | undefined;
  let generation = 0;
  let isAnnounced = false;
  let commentedAt = now();
  let askedAt = now();
  const send = (event: string, data: object): void => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const onEnd = (reason: EndReason): void => {
    followed = undefined;
    send("ended", { reason });
  };
  const stop = (): void => {
    clearInterval(timer);
    followed?.onEnd.delete(onEnd);
  };
  const look = (): void => {
    if (isDraining()) return void response.end();
    if (response.destroyed) return stop();
    const session = find();
    if (!session && now() - askedAt >= askEvery) {
      askedAt = now();
      ask().catch(() => {});
    }
    if (session !== followed) {
      followed?.onEnd.delete(onEnd);
      session?.onEnd.add(onEnd);
      followed = session;
      generation = session?.current.generation ?? 0;
      isAnnounced = false;
    }
    if (session && session.current.generation !== generation) {
      generation = session.current.generation;
      send("renewed", { generation });
    }
    const ends = session && sessions.endsAt(session);
    const isNear = ends !== undefined && Math.min(ends.idle, ends.expiry) - now() <= announceBefore;
    if (ends && isNear && !isAnnounced) {
      send("expiring", { expiresIn: Math.ceil((Math.min(ends.idle, ends.expiry) - now()) / 1000) });
    }
    isAnnounced = isNear;
    if (now() - commentedAt >= commentEvery) {
      commentedAt = now();
      response.write(":\n\n");
    }
  };
  // Who left while the host was asked has been told of already; there would be no second "close".
  if (response.destroyed) return;
  const timer = setInterval(look, lookEvery);
  timer.unref();
  response.on("close", stop);
  response.write(": open\n\n");
  look();
}
