import { createCookieJar, type JarEntry } from "../http/cookie-jar.ts";
import type { Claims } from "../tenant/claims.ts";
import { belongsToSession } from "../tenant/cookies.ts";
import type { TenantSession } from "./tenant-session.ts";

/** A generation as it is kept in the store; cookies of load balancers stay on the node that got them. rules R5 */
interface StoredGeneration {
  readonly generation: number;
  /** The store's clock. */
  readonly createdAt: number;
  readonly claims: Claims;
  readonly cookies: readonly JarEntry[];
}

/** What the store holds of a session: its generations, the current one first. */
export interface SessionContent {
  readonly generations: readonly StoredGeneration[];
}

/** Whose cookies the jars are. */
export interface JarPlace {
  readonly host: string;
  /** Whether cookies marked `Secure` may be used: on https, or where plain http was asked for. */
  readonly secure: boolean;
}

/** Generations kept beside the current one. rules R5 */
export const olderGenerations = 2;

/** Writes generations down, the current one first. `offset` is this node's clock minus the store's. */
export function formatContent(generations: readonly TenantSession[], offset: number): SessionContent {
  return {
    generations: generations.slice(0, olderGenerations + 1).map((each) => ({
      generation: each.generation,
      createdAt: each.createdAt - offset,
      claims: each.claims,
      cookies: each.jar.snapshot().filter(({ name }) => belongsToSession(name)),
    })),
  };
}

/** Reads what `formatContent` wrote; null for anything else. */
export function parseContent(content: unknown): SessionContent | null {
  const { generations } = (content ?? {}) as Partial<SessionContent>;
  if (!Array.isArray(generations) || generations.length === 0) return null;
  return { generations: generations as StoredGeneration[] };
}

/** Makes a generation of what another node stored. `now` is this node's clock, `offset` the same minus the store's. */
export function toTenantSession(
  stored: StoredGeneration,
  place: JarPlace,
  { now, offset }: { readonly now: number; readonly offset: number },
): TenantSession {
  return {
    generation: stored.generation,
    claims: stored.claims,
    csrfToken: null,
    createdAt: stored.createdAt + offset,
    isOwn: false,
    jar: createCookieJar(place, stored.cookies),
    unshared: new Set(),
    // Whether it ever worked is the judgement of the node that logged in.
    provenAt: stored.createdAt + offset,
    lastSentAt: now,
    users: 0,
    over: false,
  };
}

/** Takes over the cookies of a generation that the tenant replaced in an answer to another node. */
export function mergeStored(session: TenantSession, stored: StoredGeneration, place: JarPlace): void {
  const isOurs = ({ name }: JarEntry): boolean => !belongsToSession(name) || session.unshared.has(name);
  const own = session.jar.snapshot().filter(isOurs);
  const theirs = stored.cookies.filter(({ name }) => !session.unshared.has(name));
  session.jar = createCookieJar(place, [...theirs, ...own]);
}

/** What is stored of a session, with cookies of these names as this node has them. */
export function withCookies(
  content: unknown,
  session: TenantSession,
  names: ReadonlySet<string>,
): SessionContent | null {
  const known = parseContent(content);
  if (known === null) return null;
  const news = session.jar.snapshot().filter(({ name }) => names.has(name));
  return {
    generations: known.generations.map((each) =>
      each.generation === session.generation
        ? { ...each, cookies: [...each.cookies.filter(({ name }) => !names.has(name)), ...news] }
        : each,
    ),
  };
}
