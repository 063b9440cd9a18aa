import type { Recording, TenantEmulator } from "../../src/emulator.ts";

/** What the tenant itself counted: it is the witness, not the nodes' logs. */
export interface TenantLedger {
  /** Logins that reached the tenant, of one subject or of all. */
  logins(subject?: string): number;
  /** Logins by subject. */
  loginsBySubject(): ReadonlyMap<string, number>;
  /** When each login of a subject came, in milliseconds since the Unix epoch. */
  loginTimes(subject: string): readonly number[];
  /** Tenant sessions that were ended by `GET /logout`. */
  loggedOut(subject?: string): number;
  /** Tenant sessions that requests other than logins and logouts used since `since`. */
  sessionsUsed(subject: string, since?: number): ReadonlySet<string>;
  /** Sockets that the tenant opened. */
  handshakes(): number;
  /** Forgets what was counted so far. */
  reset(): void;
  close(): void;
}

/** The tenant keeps the last 10,000 requests only: they are fetched before it forgets them. Milliseconds. */
const fetchEvery = 200;

/** The subject that a login token names; the tenant has checked its signature, or refused it. */
function subjectOf(login: Recording): string {
  const [, value = ""] = login.headers.find(([name]) => name.toLowerCase() === "authorization") ?? [];
  const [, payload = ""] = value.replace(/^Bearer /i, "").split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8") || "{}") as { sub?: string };
  return claims.sub ?? "";
}

/** Starts to count what comes to the tenant. */
export function keepLedger(tenant: TenantEmulator): TenantLedger {
  const logins = new Map<string, number[]>();
  const logouts = new Map<string, Set<string>>();
  const uses = new Map<string, Map<string, number>>();
  let handshakes = 0;
  const count = (recording: Recording): void => {
    if (recording.upgrade && recording.status === 101) handshakes += 1;
    const path = recording.url.split("?", 1)[0] ?? "";
    if (path === "/login/jwt-session") {
      const subject = subjectOf(recording);
      logins.set(subject, [...(logins.get(subject) ?? []), recording.at]);
      return;
    }
    const { subject, sessionId, at } = recording;
    if (subject === undefined || sessionId === undefined) return;
    if (path === "/logout") {
      logouts.set(subject, (logouts.get(subject) ?? new Set()).add(sessionId));
      return;
    }
    const used = uses.get(subject) ?? new Map<string, number>();
    uses.set(subject, used.set(sessionId, at));
  };
  const fetchAll = (): void => {
    for (const recording of tenant.take()) count(recording);
  };
  const timer = setInterval(fetchAll, fetchEvery);
  timer.unref();
  const fetched = <Value>(counted: () => Value): Value => {
    fetchAll();
    return counted();
  };
  const times = (subject: string): readonly number[] => logins.get(subject) ?? [];
  const sum = (counts: Iterable<number>): number => [...counts].reduce((total, each) => total + each, 0);
  return {
    logins: (subject) =>
      fetched(() =>
        subject === undefined ? sum([...logins.values()].map(({ length }) => length)) : times(subject).length,
      ),
    loginsBySubject: () =>
      fetched(() => new Map([...logins].map(([subject, { length }]) => [subject, length]))),
    loginTimes: (subject) => fetched(() => times(subject)),
    loggedOut: (subject) =>
      fetched(() =>
        subject === undefined
          ? sum([...logouts.values()].map(({ size }) => size))
          : (logouts.get(subject)?.size ?? 0),
      ),
    sessionsUsed: (subject, since = 0) =>
      fetched(() => {
        const used = [...(uses.get(subject) ?? [])].filter(([, at]) => at >= since);
        return new Set(used.map(([id]) => id));
      }),
    handshakes: () => fetched(() => handshakes),
    reset() {
      fetchAll();
      handshakes = 0;
      for (const counted of [logins, logouts, uses]) counted.clear();
    },
    close: () => clearInterval(timer),
  };
}
