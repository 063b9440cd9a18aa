/** Everything that the proxy tells of: a closed table, from which docs/reference/log-events.md is written. */

/** The diagnostics channels that events are published on, without their prefix "qsp:". */
export type ChannelName = "exchange" | "session" | "login" | "socket" | "policy" | "store";

/** "error" = someone must act, "warn" = degraded, "info" = a state changed, "debug" = the rest, which is not logged. */
export type EventLevel = "error" | "warn" | "info" | "debug";

/** `noun.pastVerb`. */
export type EventName =
  | "exchange.finished"
  | "exchange.replayed"
  | "edge.decided"
  | "edge.refused"
  | "session.created"
  | "session.renewed"
  | "session.renewalFailed"
  | "session.ended"
  | "session.revoked"
  | "session.logoutFailed"
  | "lease.awaited"
  | "login.succeeded"
  | "login.refused"
  | "logins.heldBack"
  | "logins.resumed"
  | "socket.opened"
  | "socket.refused"
  | "socket.closed"
  | "connection.refused"
  | "admin.refused"
  | "admin.failed"
  | "store.called"
  | "store.lost"
  | "store.recovered"
  | "store.documentDropped"
  | "store.damaged"
  | "store.unwritten"
  | "store.written"
  | "config.warned"
  | "identity.signedIn"
  | "identity.signedOut"
  | "identity.refused"
  | "identity.lost"
  | "identity.recovered"
  | "identity.warned"
  | "keys.failed"
  | "keys.changed"
  | "server.started"
  | "server.draining"
  | "descriptors.exhausted"
  | "descriptors.recovered"
  | "worker.died"
  | "worker.replaced"
  | "server.reloaded"
  | "server.reloadRefused"
  | "server.stopped"
  | "log.dropped";

/** What is fixed about an event. */
export interface EventRow {
  /** Null for what the server writes into its log itself. */
  readonly channel: ChannelName | null;
  /** The usual level first. */
  readonly levels: readonly [EventLevel, ...EventLevel[]];
  readonly when: string;
  /** What stands in `reason`, `outcome` and `code`, where the event has them. */
  readonly says?: string;
}

type Levels = EventRow["levels"];

const row = (
  channel: ChannelName | null,
  levels: EventLevel | Levels,
  when: string,
  says = "",
): EventRow => ({
  channel,
  levels: typeof levels === "string" ? [levels] : levels,
  when,
  says,
});

const ofTheTable = "`code`: of the [table of errors](errors.md)";

/** Every event, in the order of the document. */
export const eventTable: Readonly<Record<EventName, EventRow>> = {
  "exchange.finished": row(
    "exchange",
    ["info", "warn", "error"],
    "a request was answered, or could not be; 499 where the browser had left",
    `${ofTheTable}, where the answer is ours; \`reason\`: what was wrong, and what would be right`,
  ),
  "exchange.replayed": row(
    "exchange",
    "debug",
    "a request was sent to the tenant more than once: after an auth loss, a CSRF refusal or a broken connection",
    "`outcome`: `succeeded`, `refused` (401 or 403 again), `failed` (no answer)",
  ),
  "edge.decided": row(
    "exchange",
    ["info", "warn", "error"],
    "an edge asked about a request and was told whether it passes; the answer to the browser is the edge's",
    `${ofTheTable}, where it does not pass; \`reason\`: what was wrong, and what would be right`,
  ),
  "edge.refused": row(
    "policy",
    "warn",
    "somebody asked the edge listener without its token, or with a wrong one; told once a minute",
  ),
  "session.created": row("session", "info", "somebody's tenant session began"),
  "session.renewed": row(
    "session",
    "info",
    "a session got a new tenant session in the place of the one before",
    "`reason`: `auth-loss`, `lifetime`, `claims`, `claims-again` or `keep-alive`",
  ),
  "session.renewalFailed": row(
    "session",
    "warn",
    "a session could not be renewed; it goes on with the tenant session that it has, unless the tenant refused the user",
    `${ofTheTable}; \`reason\` as above`,
  ),
  "session.ended": row(
    "session",
    "info",
    "a session ended on this node: nothing of it passes any more, its sockets are closed",
    "`reason`: `logout`, `revoked`, `idle`, `expired`, `lifetime`, `refused`, `lost` or `closed`",
  ),
  "session.revoked": row(
    "session",
    ["info", "error"],
    "an operator, or a program with a key, ended somebody's sessions",
    "`reason`: by which request; `outcome`: `done`, `no such session`, `failed` (this node knows, the store does not yet)",
  ),
  "session.logoutFailed": row(
    "session",
    "warn",
    "the tenant could not be told that a session is over, or would not hear of it; it forgets it by its own limits",
    `${ofTheTable}; \`reason\`: the status of a refusal`,
  ),
  "lease.awaited": row(
    "session",
    "debug",
    "a login had to have the lease of its session, which one node has at a time",
    "`outcome`: `granted`, or `held` by another login that was waited for",
  ),
  "login.succeeded": row("login", "info", "the tenant gave a session"),
  "login.refused": row(
    "login",
    ["warn", "error"],
    "the tenant gave none; error where it does not take our token, so that nobody gets in",
    `\`code\` and \`outcome\`: of the [table of errors](errors.md); \`reason\`: the cause and the remedy`,
  ),
  "logins.heldBack": row(
    "login",
    "error",
    "no login is tried for a while, because the tenant refuses or throttles all of them",
    `${ofTheTable}; \`reason\`: why`,
  ),
  "logins.resumed": row("login", "info", "logins are tried again"),
  "socket.opened": row("socket", "debug", "a WebSocket was opened; status 101"),
  "socket.refused": row(
    "socket",
    ["info", "warn"],
    "a WebSocket was refused, by us or by the tenant; 499 where the browser had left",
    `${ofTheTable}, where the answer is ours`,
  ),
  "socket.closed": row(
    "socket",
    "info",
    "a WebSocket has ended; `bytes` and `ms` are those of its whole life, `bytesUp` what the browser sent",
    "`code`: the close code that we sent; `reason`: why, or `peers` where browser and tenant closed by themselves",
  ),
  "connection.refused": row(
    "policy",
    "warn",
    "a listener has as many connections as it may have, and closes further ones at once; told once a minute",
  ),
  "admin.refused": row(
    "policy",
    "warn",
    "somebody sent the private listener a wrong token or signature; told once a minute",
  ),
  "admin.failed": row("session", "error", "the private listener failed at a request: a fault of ours"),
  "store.called": row(
    "store",
    "debug",
    "the store of sessions was asked for something",
    "`operation`: `read`, `write`, `names`, `publish`; `outcome`: `ok`, `conflict` (others wrote first), `failed`",
  ),
  "store.lost": row(
    "session",
    "error",
    "the store does not answer; known sessions go on for `session.storeGrace`",
  ),
  "store.recovered": row("session", "info", "the store answers again"),
  "store.documentDropped": row(
    "session",
    "error",
    "a document in the store cannot be opened: another secret, another version, or damage. Whoever it was about logs in anew",
  ),
  "store.damaged": row("session", "warn", "the file of the store cannot be read, and was set aside"),
  "store.unwritten": row(
    "session",
    ["warn", "error"],
    "the file of the store cannot be written; error where the process ends",
  ),
  "store.written": row("session", "info", "the file of the store is written again"),
  "identity.signedIn": row("login", "info", "a person was signed in at the OpenID provider"),
  "identity.signedOut": row("login", "info", "the OpenID provider has signed a person out"),
  "identity.refused": row(
    "login",
    ["info", "warn", "error"],
    "a sign-in at the OpenID provider, or one of its orders to sign out, does not count; error where an operator must act",
    "`reason`: why",
  ),
  "identity.lost": row("login", "error", "the OpenID provider cannot be reached", "`reason`: why"),
  "identity.recovered": row("login", "info", "the OpenID provider can be reached again"),
  "identity.warned": row("policy", "warn", "the identity source does what it should not", "`reason`: what"),
  "keys.failed": row(
    "policy",
    "warn",
    "the keys of an identity source cannot be read",
    "`reason`: whose, and why",
  ),
  "keys.changed": row("policy", "info", "an identity source has other keys", "`reason`: whose"),
  "config.warned": row("policy", "warn", "something in the configuration works, but should not stay so"),
  "server.started": row(null, "info", "the server listens; `url`, `adminUrl` and `edgeUrl` say where"),
  "server.draining": row(null, "info", "the server was told to stop, and lets what is under way finish"),
  "descriptors.exhausted": row(
    "policy",
    "error",
    "no file descriptor is left",
    "`reason`: what follows, and what to raise or lower",
  ),
  "descriptors.recovered": row("policy", "info", "there are file descriptors again"),
  "worker.died": row("policy", "error", "a worker has ended by itself", "`reason`: how"),
  "worker.replaced": row(
    "policy",
    "info",
    "another worker serves in the place of one that died",
    "`reason`: which",
  ),
  "server.reloaded": row(
    null,
    "info",
    "the configuration was read anew and holds from now on",
    "`reason`: what has changed",
  ),
  "server.reloadRefused": row(
    null,
    "error",
    "the configuration was read anew and is refused as a whole; the one of before goes on",
    "`reason`: every problem",
  ),
  "server.stopped": row(
    null,
    ["info", "warn"],
    "the server has stopped; warn where a second signal did not wait",
  ),
  "log.dropped": row(
    null,
    "warn",
    "lines of the log are missing: whoever reads standard output did not keep up, and 16 MiB were waiting already",
    "`reason`: how many",
  ),
};
