import type { ListedSession } from "../proxy/session-proxy.ts";

/** Writes sessions as a table for people. */
export function sessionTable(sessions: readonly ListedSession[]): readonly string[] {
  const areSeveral = sessions.some(({ tenant }) => tenant !== undefined);
  const rows = [
    [
      "LAST USE (UTC)",
      "CREATED (UTC)",
      "EXPIRES (UTC)",
      "SOCKETS",
      ...(areSeveral ? ["TENANT"] : []),
      "SUBJECT",
      "KEY",
    ],
    ...sessions.map(({ key, subject, createdAt, lastUsedAt, expiresAt, sockets, tenant }) => [
      moment(lastUsedAt),
      moment(createdAt),
      expiresAt === null ? "-" : moment(expiresAt),
      String(sockets),
      ...(areSeveral ? [visible(tenant ?? "-")] : []),
      visible(subject),
      key,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}

/** To the second: 2026-01-31 08:15:00. */
function moment(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "-" : date.toISOString().slice(0, 19).replace("T", " ");
}

/** A name must not move the cursor of the terminal that shows it, nor turn the direction of the text. */
export const visible = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (each) => `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`,
  );
