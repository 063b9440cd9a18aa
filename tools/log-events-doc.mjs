// Makes the text of docs/reference/log-events.md from the table in src/kernel/events.ts.
import { exportsOf, formatted } from "./table-of.mjs";

export const logEventsDocumentPath = "docs/reference/log-events.md";

const source = "src/kernel/events.ts";

const formatRow = ([name, { channel, levels, when, says }]) =>
  `| \`${name}\` | ${levels.join(", ")} | ${channel === null ? "–" : `\`qsp:${channel}\``} | ${when}${says === "" ? "" : `. ${says}`} |`;

/** The whole text of the document, as the formatter would leave it. */
export async function logEventsDocument() {
  const { eventTable } = await exportsOf(source);
  const text = `<!-- Written by tools/gen-log-events-doc.mjs from ${source}: change it there. -->

# Log events

The standalone server writes one line of JSON for each event to standard output. The library logs nothing: it publishes the
same events on the [diagnostics channels](https://nodejs.org/api/diagnostics_channel.html) of Node, and makes none where
nobody listens.

| Field | What it is |
| --- | --- |
| \`level\` | \`error\`: somebody must act; \`warn\`: something is not as it should be; \`info\`: something happened. \`debug\` is on the channels only |
| \`time\` | ISO 8601, UTC |
| \`event\` | one of the table below |
| \`traceId\` | 32 hex digits; an error that a browser was shown names the same |
| \`session\` | 12 hex digits, a part of a key that \`GET /sessions\` lists: its digits 33 to 44 |
| \`subjectHash\` | 16 hex digits, the same for one subject, and different in every installation |
| \`tenant\` | its origin |
| \`route\` | \`rest\`, \`engine\`, \`static\`, \`page\`, \`own\`, or \`denied\` where it was refused before that was known; never a path |
| \`method\`, \`status\` | of the request and of the answer |
| \`ms\` | how long it took |
| \`upstreamMs\` | of that, the tenant: from sending the request to the head of its answer |
| \`bytes\`, \`bytesUp\` | what went to the browser; of a socket also what went to the tenant |
| \`code\` | of the [table of errors](errors.md), or a WebSocket close code of ours |
| \`reason\` | what happened, and what to do about it |
| \`outcome\` | how it ended |

No line holds a secret, a cookie, a token, a path, an address or a name: a test makes the server do everything that it does and
searches all of its output for them.

| Event | Level | Channel | When |
| --- | --- | --- | --- |
${Object.entries(eventTable).map(formatRow).join("\n")}

Who wants an account of who was let in and who ended what keeps \`session.*\`, \`login.*\`, \`admin.*\` and \`server.*\`.
`;
  return formatted(logEventsDocumentPath, text);
}
