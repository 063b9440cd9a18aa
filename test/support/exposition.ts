/** What `GET /metrics` says, read by the grammar of the text format. */
export interface Exposition {
  /** Type by name of the metric. */
  readonly types: ReadonlyMap<string, string>;
  /** The value of a sample by name and labels, as in `qsp_logins_total{outcome="ok"}`; 0 where there is none. */
  value(sample: string): number;
  /** The names of the labels that samples of a metric have, without those of buckets. */
  labelsOf(metric: string): readonly string[];
  /** The values that a label of a metric has. */
  valuesOf(metric: string, label: string): readonly string[];
}

const sampleLine = /^([a-z_]+)(?:\{((?:[a-z]+="[^"\\\n]*",?)+)\})? (\d+(?:\.\d+)?(?:e-?\d+)?)$/;

/** Reads it; throws at a line that the format does not have. */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  for (const line of text.slice(0, -1).split("\n")) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      const [, name = "", kind = ""] = type;
      if (types.has(name)) throw new Error(`${name} is there twice`);
      types.set(name, kind);
    } else if (!/^# HELP [a-z_]+ \S.*$/.test(line)) {
      const [, name, labels, value] = sampleLine.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no line of the format: ${line}`);
      const sample = labels === undefined ? name : `${name}{${labels}}`;
      if (samples.has(sample)) throw new Error(`${sample} is there twice`);
      samples.set(sample, Number(value));
    }
  }
  const labelPairs = (metric: string): readonly (readonly [string, string])[] =>
    [...samples.keys()]
      .filter((sample) => new RegExp(`^${metric}(?:_bucket|_sum|_count)?(?:\\{|$)`).test(sample))
      .flatMap((sample) => [...sample.matchAll(/([a-z]+)="([^"]*)"/g)])
      .map(([, name = "", value = ""]) => [name, value] as const)
      .filter(([name]) => name !== "le");
  return {
    types,
    value: (sample) => samples.get(sample) ?? 0,
    labelsOf: (metric) => [...new Set(labelPairs(metric).map(([name]) => name))],
    valuesOf: (metric, label) => [
      ...new Set(
        labelPairs(metric)
          .filter(([name]) => name === label)
          .map(([, value]) => value),
      ),
    ],
  };
}
