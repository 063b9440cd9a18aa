// Makes the text of docs/reference/metrics.md from the table in src/server/metrics/metric-table.ts.
import { exportsOf, formatted } from "./table-of.mjs";

export const metricsDocumentPath = "docs/reference/metrics.md";

const source = "src/server/metrics/metric-table.ts";

const formatRow = ([name, { type, labels, help }]) =>
  `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ") || "–"} | ${help} |`;

/** The whole text of the document, as the formatter would leave it. */
export async function metricsDocument() {
  const { metricTable } = await exportsOf(source);
  const { bucketBounds } = await exportsOf("src/server/metrics/instruments.ts");
  const buckets = bucketBounds.map((ms) => ms / 1000).join(", ");
  const text = `<!-- Written by tools/gen-metrics-doc.mjs from ${source}: change it there. -->

# Metrics

\`GET /metrics\` of the [private listener](admin.md), with the token, answers in the text format of Prometheus. Counts are
of this server, from its start; other nodes that share its store count for themselves.

With [several tenants](../how-to/several-tenants.md) the series of a tenant have the label \`tenant\`, its name, behind those
below. What is of no tenant has none: the store, \`qsp_draining\`, the process, and requests that are for no tenant.

\`\`\`yml
# prometheus.yml, not a file of ours
scrape_configs:
  - job_name: qlik-session-proxy
    authorization: { credentials_file: /etc/prometheus/qsp-admin-token }
    static_configs: [{ targets: ["10.0.0.5:8788"] }]
\`\`\`

| Metric | Type | Labels | What it is |
| --- | --- | --- | --- |
${Object.entries(metricTable).map(formatRow).join("\n")}

Histograms have the bounds ${buckets} seconds.

## Several workers

With \`workers\` above 1, the answer is about all of them together, and it does not matter which one had the request:

| What | How it is put together |
| --- | --- |
| Counters, histograms | Sums. What a worker that died had counted stays in, so that no counter falls; what it counted after the last reading, two seconds before at most, is lost |
| \`qsp_sockets\`, \`qsp_in_flight\`, \`qsp_upstream_connections\` | Sums over the workers that live |
| \`qsp_sessions\` | A sum as well: a session that two workers have at hand counts twice. \`GET /sessions\` has each once |
| \`qsp_store_reachable\` | 1 where every worker reaches the store, and one worker lives at least |
| \`qsp_logins_held_back\`, \`qsp_draining\` | 1 where one of them says so |
| \`process_cpu_seconds_total\`, \`process_resident_memory_bytes\` | Sums over all processes. Memory that they share is counted in each |
| \`process_start_time_seconds\` | Of the process that was started first, which starts the workers |

Workers are asked at each scrape, and every two seconds for the console. One that gives no word for ten seconds is ended and
replaced, as it is by the probes.

## Labels

Every label has a closed list of values: nothing that a browser or the tenant sends makes a new series.

| Label | Values |
| --- | --- |
| \`route\` | \`rest\`, \`engine\` (WebSockets), \`static\`, \`page\`, \`own\` (own routes, and what was refused before its class was known) |
| \`method\` | \`GET\`, \`HEAD\`, \`POST\`, \`PUT\`, \`PATCH\`, \`DELETE\`, \`OPTIONS\`; \`other\` for any other |
| \`status\` | the registered ones, 499 (the browser had left), and \`2xx\` to \`9xx\` for those that nobody has registered |
| \`code\` | of the [table of errors](errors.md) |
| \`outcome\` | of logins and renewals \`ok\` or a code; of replays \`succeeded\`, \`refused\`, \`failed\`; of store calls \`ok\`, \`conflict\`, \`failed\` |
| \`operation\` | \`read\`, \`write\`, \`names\`, \`publish\` |
| \`reason\` | \`peers\`, or why we closed: \`QSP-LOGOUT\`, \`QSP-REVOKED\`, \`QSP-IDLE\`, \`QSP-EXPIRED\`, \`QSP-LIFETIME\`, \`QSP-REFUSED\`, \`QSP-LOST\`, \`QSP-CLAIMS\`, \`QSP-REVALIDATE\`, \`QSP-STORE\`, \`QSP-UPSTREAM\`, \`QSP-DRAINING\`, \`QSP-CLOSED\` |
| \`direction\` | \`down\` to browsers, \`up\` to the tenant |

## What to watch

| Question | Expression |
| --- | --- |
| Does anybody get an error of ours? | \`sum by (code) (rate(qsp_denied_total[5m]))\` |
| Does the tenant answer? | \`sum(rate(qsp_exchanges_total{status=~"5.."}[5m])) / sum(rate(qsp_exchanges_total[5m]))\` |
| Is it the tenant that is slow, or we? | \`histogram_quantile(0.95, sum by (le, route) (rate(qsp_upstream_seconds_bucket[5m])))\`, and the same of \`qsp_exchange_seconds\` |
| Can people sign in? | \`rate(qsp_logins_total{outcome!="ok"}[5m])\`, \`qsp_logins_held_back\` |
| Do sessions hold? | \`rate(qsp_renewals_total{outcome!="ok"}[5m])\`, \`rate(qsp_replays_total{outcome!="succeeded"}[5m])\` |
| Are connections used again? | \`1 - rate(qsp_upstream_connections_opened_total[5m]) / rate(qsp_upstream_requests_total[5m])\` |
| Does the store keep up? | \`qsp_store_reachable\`, \`histogram_quantile(0.99, sum by (le) (rate(qsp_store_seconds_bucket[5m])))\` |

An exchange costs about 0.2 µs for all of this; without a private listener nothing is counted:
[decision 0020](../decisions/0020-metrics-are-counted-by-ourselves.md).
`;
  return formatted(metricsDocumentPath, text);
}
