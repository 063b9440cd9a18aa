import { expect, test } from "vitest";
import { sessionTable, visible } from "./sessions-text.ts";

const session = {
  key: "a".repeat(64),
  subject: "acme|ann",
  createdAt: Date.UTC(2026, 0, 31, 8, 15),
  lastUsedAt: Date.UTC(2026, 0, 31, 9, 0, 7),
  expiresAt: null,
  generation: 1,
  sockets: 2,
};

test("sessionTable keeps its columns below each other", () => {
  const lines = sessionTable([session, { ...session, subject: "b", expiresAt: Date.UTC(2026, 1, 1) }]);
  expect(lines).toHaveLength(3);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  const [head = "", first = ""] = lines;
  expect(first).toContain("2026-01-31 09:00:07  2026-01-31 08:15:00  -");
  expect(first.indexOf("acme|ann")).toBe(head.indexOf("SUBJECT"));
  expect(first.indexOf(session.key)).toBe(head.indexOf("KEY"));
});

test("visible shows what would move the cursor or turn the text", () => {
  expect(visible("a\u001b[2Jb\u202ec\u009b")).toBe("a\\u{1b}[2Jb\\u{202e}c\\u{9b}");
  expect(visible("Zo\u00eb|acme")).toBe("Zo\u00eb|acme");
});
