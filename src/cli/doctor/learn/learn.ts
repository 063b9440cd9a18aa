import { headerValues } from "../../../http/raw-headers.ts";
import type { TenantProfile } from "../../../server/tenant-profile.ts";
import { csrfHeader } from "../../../tenant/csrf.ts";
import type { Visit } from "../visit.ts";
import { Probing, type ProbeSession } from "./probing.ts";
import { closeCodeOf, learnUpgrade, openProbeSocket, type ProbeSocket } from "./probe-socket.ts";
import {
  foreignOrigin,
  learnCookies,
  learnCsrf,
  learnLimits,
  learnLogout,
  learnRest,
  learnTokens,
} from "./session-probes.ts";

/** How long is waited. Milliseconds. */
export interface LearnTimes {
  /** For what may never come, such as a close after a log-out. */
  readonly patience: number;
  /** For how long a socket without traffic is watched. */
  readonly watch: number;
}

/**
 * Asks a tenant what no public source says (facts §13); every session that it begins is ended.
 *
 * @throws the reason of an interruption
 */
export async function learnTenant(visit: Visit, { patience, watch }: LearnTimes): Promise<TenantProfile> {
  const probing = new Probing(visit, patience);
  try {
    const session = await probing.signIn();
    const profile = {
      version: 1 as const,
      madeAt: new Date().toISOString(),
      tokens: await learnTokens(probing),
      cookies: await learnCookies(probing, session),
      limits: await learnLimits(probing, session),
      csrf: await learnCsrf(probing, session),
      rest: await learnRest(probing, session),
      sockets: await learnSockets(probing, session, watch),
    };
    return { ...profile, logout: await learnLogout(probing, await probing.signIn()) };
  } finally {
    await probing.end();
  }
}

const secondsOf = (ms: number): number => Math.round(ms / 100) / 10;

/** How sockets are opened, and how long they live: facts §13, questions 4 to 8. */
async function learnSockets(
  probing: Probing,
  session: ProbeSession,
  watch: number,
): Promise<TenantProfile["sockets"]> {
  const path = (): string => probing.enginePath();
  const cookie = probing.cookie(session);
  const token = await probing.csrfToken(session);
  const withToken = (): string => `${path()}?${csrfHeader}=${encodeURIComponent(token)}`;
  const opened = await mustOpen(probing, withToken(), cookie);
  const cookiesWithUpgrade = headerValues(opened.headers, "set-cookie").map(
    (line) => line.split("=", 1)[0] ?? "",
  );
  const { signal } = probing.visit.interruption;
  signal.addEventListener("abort", () => opened.close(), { once: true });
  if (signal.aborted) opened.close();
  const watched = await watchIdle(opened, watch);
  // A watch that was cut short has seen nothing.
  signal.throwIfAborted();
  return {
    tokenInHeader: await learnUpgrade(probing, path(), [...cookie, csrfHeader, token]),
    withoutToken: await learnUpgrade(probing, path(), cookie),
    withoutSession: await learnUpgrade(probing, path(), []),
    foreignOrigin: await learnUpgrade(probing, withToken(), [...cookie, "origin", foreignOrigin]),
    cookiesWithUpgrade: cookiesWithUpgrade.toSorted(),
    closeCodeAfterLogout: await learnEnd(probing),
    watchedSeconds: secondsOf(watch),
    ...watched,
  };
}

async function mustOpen(probing: Probing, path: string, headers: readonly string[]): Promise<ProbeSocket> {
  const socket = await openProbeSocket(probing, path, headers);
  if (typeof socket === "number") throw new Error(`the upgrade answers ${socket}`);
  return socket;
}

type Watched = Pick<TenantProfile["sockets"], "idleCutAfterSeconds" | "pingEverySeconds">;

/** Says nothing on a socket, and looks whether the other side does. */
async function watchIdle(socket: ProbeSocket, watch: number): Promise<Watched> {
  const startedAt = Date.now();
  const isCut = await socket.endsWithin(watch);
  const idleCutAfterSeconds = isCut ? secondsOf(Date.now() - startedAt) : null;
  const pings = socket.frames.filter(({ frame }) => frame.opcode === 9).map(({ at }) => at);
  const [first, second] = pings;
  socket.close();
  if (first === undefined) return { idleCutAfterSeconds, pingEverySeconds: null };
  return {
    idleCutAfterSeconds,
    pingEverySeconds: secondsOf((second ?? first) - (second === undefined ? startedAt : first)),
  };
}

/** Whether an open socket is closed when its session ends, and with which code. */
async function learnEnd(probing: Probing): Promise<number | null> {
  const session = await probing.signIn();
  const token = await probing.csrfToken(session);
  const path = `${probing.enginePath()}?${csrfHeader}=${encodeURIComponent(token)}`;
  const socket = await mustOpen(probing, path, probing.cookie(session));
  await socket.waitFor(({ opcode }) => opcode === 1, probing.patience);
  await probing.logout(session);
  await socket.waitFor(({ opcode }) => opcode === 8, probing.patience);
  socket.close();
  return closeCodeOf(socket);
}
