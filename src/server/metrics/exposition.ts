import { bucketBounds, Counter, type Family, type Histogram } from "./instruments.ts";
import { type MetricName, metricTable } from "./metric-table.ts";

/** What is known of a metric at the moment: one number, or an instrument for each combination of labels. */
export type Reading = number | Family<Counter> | Family<Histogram>;

/** The type of what {@link formatMetrics} makes: version 0.0.4 of the text format of Prometheus. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** Writes metrics down for whoever scrapes them. */
export function formatMetrics(readings: Readonly<Record<MetricName, Reading>>): string {
  const lines: string[] = [];
  for (const [name, { type, help }] of Object.entries(metricTable)) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    const reading = readings[name as MetricName];
    if (typeof reading === "number") lines.push(`${name} ${reading}`);
    else {
      for (const { labels, instrument } of reading.members()) {
        if (instrument instanceof Counter) lines.push(sample(name, labels, instrument.value));
        else addHistogram(lines, name, { labels, histogram: instrument });
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

function addHistogram(
  lines: string[],
  name: string,
  { labels, histogram }: { readonly labels: string; readonly histogram: Histogram },
): void {
  let total = 0;
  for (const [index, count] of histogram.counts.entries()) {
    total += count;
    const bound = bucketBounds[index];
    const le = `le="${bound === undefined ? "+Inf" : bound / 1000}"`;
    lines.push(sample(`${name}_bucket`, labels === "" ? le : `${labels},${le}`, total));
  }
  lines.push(sample(`${name}_sum`, labels, histogram.sum / 1000), sample(`${name}_count`, labels, total));
}

const sample = (name: string, labels: string, value: number): string =>
  labels === "" ? `${name} ${value}` : `${name}{${labels}} ${value}`;
