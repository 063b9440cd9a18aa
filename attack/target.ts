import type { Place } from "./wire/connection.ts";
import type { PersonName } from "./wire/owners.ts";

/** What a proxy says of itself. What it does not claim is not tried: a pipe is not to blame for having no policy. */
export const claims = {
  users: "requests without a user are refused, and each user's get that user's credential",
  identity: "who the user is, is read exactly or not at all",
  "site-guard": "requests from other sites are refused",
  policy: "some methods and paths are not offered",
  jar: "cookies that the upstream sets stay at the proxy",
  store: "cookies that the upstream sets are kept, and sent with that user's next request",
  headers: "headers with which a client could act as the proxy or as somebody else are dropped",
  answers: "headers of the upstream that act on the page's origin are dropped or replaced",
  handshake: "both sides of a WebSocket handshake are checked",
  "own-connections": "a connection to the upstream serves one user only",
  "trusted-peers": "the user's header counts from certain addresses only",
  limits: "slow and oversized requests are ended",
  pages: "it has pages and redirects of its own",
} as const;

/** One of the {@link claims}. */
export type Claim = keyof typeof claims;

/** How the requests of a user say whose they are: header lines. */
export interface Person {
  readonly name: PersonName;
  readonly lines: readonly string[];
}

/** The proxy that is attacked, as its operator describes it. Paths are those that the upstream sees. */
export interface Target {
  readonly name: string;
  readonly place: Place;
  /** The path of the target's URL, without slash at the end: what stands before every path. */
  readonly prefix: string;
  /** The `Host` that a browser sends. */
  readonly host: string;
  /** The origin of the page that uses the proxy. */
  readonly origin: string;
  /** An origin of the same site that is not on any list. */
  readonly sibling: string;
  /** An origin of another site. */
  readonly foreign: string;
  readonly user: Person;
  /** `undefined` where the proxy knows no users. */
  readonly other: Person | undefined;
  /** Readable, it and everything below it. */
  readonly readPath: string;
  /** Takes GET, HEAD, POST, DELETE and OPTIONS, it and everything below it. */
  readonly writePath: string;
  /** Never offered, though the upstream would answer. */
  readonly deniedPaths: readonly string[];
  /** Not to be reached by a client, because the proxy itself begins and ends sessions there. */
  readonly reservedPaths: readonly string[];
  /** An HTML page that is offered. */
  readonly pagePath: string | undefined;
  /** Takes WebSockets, it and everything below it. */
  readonly socketPath: string | undefined;
  /** Below the prefix: ends the user's session when a page of the same origin asks. */
  readonly logoutPath: string | undefined;
  /** Below the prefix: leads on to the address in its parameter, `/login?returnto=`. */
  readonly returnPath: string | undefined;
  /** Lower-case name of the header that carries the credential. */
  readonly credential: string;
  /** Parameters and headers that the proxy adds by itself; a client's are to be dropped. */
  readonly owned: readonly string[];
  /** An address of this machine whose word about users does not count. */
  readonly untrustedAddress: string | undefined;
  readonly claims: ReadonlySet<Claim>;
  /** How long slow requests are given before they count as endless. Milliseconds. */
  readonly patience: number;
}

/** A target that the suite has started. */
export interface TargetProcess {
  readonly exited: boolean;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** The last lines that it wrote. */
  readonly output: string;
  stop(): Promise<void>;
}

/** Starts a target in front of an upstream, anew after each attack that it fell to. */
export interface Launcher {
  readonly name: string;
  /** The upstream's duties, and the header with the credential. */
  readonly duties: {
    readonly loginPath: string | undefined;
    readonly loginCookies: readonly string[];
    readonly tokenPath: string | undefined;
    readonly tokenHeader: string | undefined;
  };
  readonly credential: string;
  /** Whether a target that fell, and serves its users all the same, meets the next attack too. */
  readonly survivesFalls?: true;
  start(upstreamAuthority: string): Promise<{ readonly target: Target; readonly process: TargetProcess }>;
}
