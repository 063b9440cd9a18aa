import type { Series } from "./snapshot.ts";

/** A number that only goes up. */
export class Counter {
  value = 0;
}

/** Upper bounds of the buckets of every histogram. Milliseconds. */
export const bucketBounds: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];

/** How long something took, how often. */
export class Histogram {
  /** One more than there are bounds: the last bucket has none. */
  readonly counts: number[] = Array.from({ length: bucketBounds.length + 1 }, () => 0);
  /** Milliseconds. */
  sum = 0;

  observe(ms: number): void {
    // A clock that was set back must not make a sum go down.
    const took = ms > 0 ? ms : 0;
    let bucket = 0;
    while (bucket < bucketBounds.length && took > (bucketBounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += took;
  }
}

/** The instruments of one metric, one for each combination of its labels. Their values come from closed lists. */
export class Family<Instrument> {
  readonly #names: readonly string[];
  readonly #create: () => Instrument;
  readonly #tenant: string | null;
  readonly #members = new Map<string, Series<Instrument>>();

  /** `tenant`: whose all of them are; null where there is one tenant, or it is nobody's. */
  constructor(names: readonly string[], create: () => Instrument, tenant: string | null = null) {
    this.#names = names;
    this.#create = create;
    this.#tenant = tenant;
  }

  /** The instrument for label values in the order of their names. */
  of(...values: readonly string[]): Instrument {
    const own = this.#names.map((name, index) => `${name}="${escaped(values[index] ?? "")}"`);
    const labels = (this.#tenant === null ? own : [...own, tenantLabel(this.#tenant)]).join(",");
    const known = this.#members.get(labels);
    if (known !== undefined) return known.value;
    const instrument = this.#create();
    this.#members.set(labels, { labels, values, value: instrument });
    return instrument;
  }

  /** What each of them says, by `valueOf`. */
  read<Value>(valueOf: (instrument: Instrument) => Value): readonly Series<Value>[] {
    return Array.from(this.#members.values(), ({ value, ...rest }) => ({ ...rest, value: valueOf(value) }));
  }
}

/** How the tenant stands behind the other labels, where there are several. */
export const tenantLabel = (name: string): string => `tenant="${escaped(name)}"`;

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
