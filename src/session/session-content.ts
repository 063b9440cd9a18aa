import { createCookieJar, type CookieJarOptions, type JarEntry } from "../http/cookie-jar.ts";
import { Secret } from "../kernel/secret.ts";
import { belongsToSession, type Backend, type TenantKind } from "../tenant/backend.ts";
import type { Claims } from "../tenant/claims.ts";
import type { TenantSession } from "./tenant-session.ts";

/** A generation as it is kept in the store; cookies of load balancers stay on the node that got them. rules R5 */
interface StoredGeneration {
  readonly generation: number;
  /** The store's clock. */
  readonly createdAt: number;
  readonly claims: Claims;
  readonly cookies: readonly JarEntry[];
  /** In the clear here: what the store gets is sealed as a whole. */
  readonly accessToken?: string;
  /** The store's clock. */
  readonly endsAt?: number;
}

/** What the store holds of a session: its generations, the current one first. */
export interface SessionContent {
  /** What kind of tenant it is of; Qlik Cloud by signed token where it was written before there were others. */
  readonly kind?: TenantKind;
  readonly generations: readonly StoredGeneration[];
}

/** Where sessions are, and whose cookies the jars are. */
export interface JarPlace extends CookieJarOptions {
  readonly backend: Backend;
}

/** Generations kept beside the current one. rules R5 */
export const olderGenerations = 2;

/** Writes generations down, the current one first. `offset` is this node's clock minus the store's. */
export function formatContent(generations: readonly TenantSession[], offset: number): SessionContent {
  return {
    ...(generations[0] === undefined ? {} : { kind: generations[0].backend.kind }),
    generations: generations.slice(0, olderGenerations + 1).map((each) => ({
      generation: each.generation,
      createdAt: each.createdAt - offset,
      claims: each.claims,
      cookies: each.jar.snapshot().filter(({ name }) => belongsToSession(each.backend, name)),
      ...(each.accessToken === null ? {} : { accessToken: each.accessToken.reveal() }),
      ...(each.endsAt === null ? {} : { endsAt: each.endsAt - offset }),
    })),
  };
}

/** Reads what `formatContent` wrote of sessions of this kind; null for anything else. */
export function parseContent(content: unknown, wanted: TenantKind): SessionContent | null {
  const { generations, kind = "qlik-cloud-jwt" } = (content ?? {}) as Partial<SessionContent>;
  if (!Array.isArray(generations) || generations.length === 0 || kind !== wanted) return null;
  return { kind, generations: generations as StoredGeneration[] };
}

/** Makes a generation of what another node stored. `now` is this node's clock, `offset` the same minus the store's. */
export function toTenantSession(
  stored: StoredGeneration,
  place: JarPlace,
  { now, offset }: { readonly now: number; readonly offset: number },
): TenantSession {
  return {
    generation: stored.generation,
    backend: place.backend,
    claims: stored.claims,
    accessToken: stored.accessToken === undefined ? null : new Secret(stored.accessToken),
    endsAt: stored.endsAt === undefined ? null : stored.endsAt + offset,
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
  const isOurs = ({ name }: JarEntry): boolean =>
    !belongsToSession(session.backend, name) || session.unshared.has(name);
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
  const known = parseContent(content, session.backend.kind);
  if (known === null) return null;
  const news = session.jar.snapshot().filter(({ name }) => names.has(name));
  return {
    ...known,
    generations: known.generations.map((each) =>
      each.generation === session.generation
        ? { ...each, cookies: [...each.cookies.filter(({ name }) => !names.has(name)), ...news] }
        : each,
    ),
  };
}
