import { ask, baseOf } from "./auth-module.ts";

/** What the proxy says of the session; times in seconds. */
export interface SessionStatus {
  /** Whether the app vouches for the user now. */
  readonly authenticated: boolean;
  /** Whether there is a session at the tenant. */
  readonly active: boolean;
  readonly subject: string | null;
  readonly name: string | null;
  readonly expiresIn: number;
  readonly idleIn: number;
  /** Sockets that are open. */
  readonly sockets: number;
}

/** What a session can report. */
export interface SessionEvents {
  /** It goes on with a new session at the tenant; nothing has to be done. */
  readonly renewed: { readonly generation: number };
  /** It ends soon, unless something is done with it; seconds. */
  readonly expiring: { readonly expiresIn: number };
  /** It is over: "logout", "revoked", "idle" …, or "unauthenticated" where the app itself no longer vouches for the user. */
  readonly ended: { readonly reason: string };
}

/** The user's session at the proxy, as a page sees it. */
export interface QlikSession {
  /**
   * Resolves when there is a session at the tenant, so that the first chart does not wait for a login.
   * @throws SessionError what the proxy said instead, such as 401 where nobody is signed in
   */
  ready(): Promise<SessionStatus>;
  /** Asks for the state; makes and extends nothing. @throws SessionError */
  status(): Promise<SessionStatus>;
  /** Hears of the session until the returned function is called; the first listener opens the stream of events. */
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => void,
  ): () => void;
  /** Ends the session, here and at the tenant. @throws SessionError */
  logout(): Promise<void>;
  /** Closes the stream of events, until somebody listens again. */
  close(): void;
}

/** What the proxy said in place of what was asked for; an error without status says that it could not be reached. */
export interface SessionError extends Error {
  readonly status?: number | undefined;
  /** Such as "QSP-UNAUTHENTICATED"; missing where the answer was not the proxy's. */
  readonly code?: string | undefined;
}

const failure = (status: number, code?: string): SessionError =>
  Object.assign(new Error(code ?? `HTTP ${status}`), { status, code });

/** The part of an EventSource that is needed. */
interface EventStream {
  readonly readyState: number;
  onerror: (() => void) | null;
  addEventListener(name: string, listener: (event: { readonly data: string }) => void): void;
  close(): void;
}

declare const EventSource: new (url: string, settings: { readonly withCredentials: true }) => EventStream;

/** How long to wait at least before a refused stream is asked for again; not all pages at once. Milliseconds. */
const shortestWait = 2000;

/**
 * Watches the user's session at a proxy: `host` is what the vendor's clients are given, an origin and prefix, or a path of
 * the page's own origin such as "/qlik".
 */
export function watchSession(host: string): QlikSession {
  const base = baseOf(host);
  const listeners: { [Name in keyof SessionEvents]: Set<(event: SessionEvents[Name]) => void> } = {
    renewed: new Set(),
    expiring: new Set(),
    ended: new Set(),
  };
  let stream: EventStream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isHeard = false;
  let warming: Promise<SessionStatus> | undefined;

  const tell = <Name extends keyof SessionEvents>(name: Name, event: SessionEvents[Name]): void =>
    listeners[name].forEach((listener) => listener(event));
  const call = async (path: string, method?: string): Promise<Response> => {
    const answer = await ask(base + path, method);
    if (answer.ok) return answer;
    const told = (await answer.json().catch(() => undefined)) as { errors?: { code?: string }[] } | undefined;
    throw failure(answer.status, told?.errors?.[0]?.code);
  };
  const status = async (): Promise<SessionStatus> =>
    (await call("/_session")).json() as Promise<SessionStatus>;

  const listen = (): void => {
    if (stream || timer) return;
    const opened = new EventSource(`${base}/_session/events`, { withCredentials: true });
    stream = opened;
    for (const name of Object.keys(listeners) as (keyof SessionEvents)[])
      opened.addEventListener(name, ({ data }) => tell(name, JSON.parse(data)));
    opened.onerror = () => {
      // What was cut off the browser opens again by itself; what was refused is closed, which is 2.
      if (opened.readyState < 2) return;
      stream = undefined;
      listenLater();
    };
  };

  /** Listens again, unless the app has stopped vouching for the user: then nothing is to be heard any more. */
  const listenLater = (): void => {
    timer = setTimeout(() => void listenAgain(), shortestWait * (1 + Math.random()));
  };
  const listenAgain = async (): Promise<void> => {
    const now = await status().catch(() => undefined);
    // It was closed meanwhile.
    if (!timer) return;
    timer = undefined;
    if (!now) listenLater();
    else if (now.authenticated) listen();
    else tell("ended", { reason: "unauthenticated" });
  };

  const warm = async (): Promise<SessionStatus> => {
    // Where the policy does not offer it, the first chart logs in.
    await call("/api/v1/csrf-token").catch((error: SessionError) => {
      if (error.status !== 404) throw error;
    });
    const now = await status();
    if (!now.authenticated) throw failure(401);
    if (isHeard) listen();
    return now;
  };

  return {
    ready: () => (warming ??= warm().finally(() => (warming = undefined))),
    status,
    on(name, listener) {
      listeners[name].add(listener);
      isHeard = true;
      listen();
      return () => void listeners[name].delete(listener);
    },
    logout: async () => void (await call("/_session", "DELETE")),
    close() {
      isHeard = false;
      stream?.close();
      clearTimeout(timer);
      stream = timer = undefined;
    },
  };
}
