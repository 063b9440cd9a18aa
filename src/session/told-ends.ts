import type { Live } from "../registry/subject-record.ts";
import { parseContent, toTenantSession, type JarPlace } from "./session-content.ts";
import type { TenantAccess } from "./tenant-access.ts";

/** Sessions whose ends are remembered, so that the tenant is not told twice; the oldest give way. */
const remembered = 1000;

/** Tells the tenant of the ends of generations that this node may never have used. */
export class ToldEnds {
  readonly #tenant: TenantAccess;
  readonly #place: JarPlace;
  readonly #underway = new Set<Promise<void>>();
  readonly #told = new Map<string, Set<number>>();

  constructor(tenant: TenantAccess, place: JarPlace) {
    this.#tenant = tenant;
    this.#place = place;
  }

  /** Notes what the tenant is told of by other hands. */
  note(birth: string, generations: Iterable<number>): void {
    const known = this.#told.get(birth) ?? new Set();
    for (const generation of generations) known.add(generation);
    this.#told.delete(birth);
    this.#told.set(birth, known);
    if (this.#told.size > remembered) this.#told.delete(this.#told.keys().next().value ?? birth);
  }

  /** Ends what a session in the store held, except for what the tenant knows already. Never rejects. */
  tell(key: string, live: Live): Promise<void> {
    const telling = this.#tell(key, live).finally(() => this.#underway.delete(telling));
    this.#underway.add(telling);
    return telling;
  }

  /** Resolves when the tenant was told of everything so far. */
  async idle(): Promise<void> {
    await Promise.all(this.#underway);
  }

  async #tell(key: string, { birth, content }: Live): Promise<void> {
    const known = this.#told.get(birth);
    const left = (parseContent(content, this.#place.backend.kind)?.generations ?? []).filter(
      ({ generation }) => !known?.has(generation),
    );
    this.note(
      birth,
      left.map(({ generation }) => generation),
    );
    const times = { now: 0, offset: 0 };
    await Promise.all(left.map((each) => this.#tenant.end(key, toTenantSession(each, this.#place, times))));
  }
}
