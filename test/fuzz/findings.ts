import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCase, writeCase, type FuzzCase, type Side, type WrittenCase } from "./fuzz-case.ts";

/** Something that must not be. */
export interface Finding {
  readonly what: string;
  readonly detail: string;
  /** Where the cases are that led to it. */
  readonly file: string;
}

/** Collects what was found, and keeps the bytes that led to it. */
export interface Findings {
  readonly list: readonly Finding[];
  /** `cases` are those that can have led to it. */
  add(what: string, detail: string, cases: readonly FuzzCase[]): void;
}

/** The same thing is told so often, and its bytes kept as often. */
const mostOfOneKind = 3;

export interface FindingsPlace {
  readonly folder: string;
  readonly side: Side;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export function createFindings({ folder, side, seed, say }: FindingsPlace): Findings {
  const list: Finding[] = [];
  const kinds = new Map<string, number>();
  return {
    list,
    add(what, detail, cases) {
      const kind =
        `${what} ${detail.startsWith("{") ? "" : detail.split("\n").slice(0, 3).join(" ")}`.replaceAll(
          /\d+/g,
          "0",
        );
      const count = (kinds.get(kind) ?? 0) + 1;
      kinds.set(kind, count);
      if (count > mostOfOneKind) return;
      mkdirSync(folder, { recursive: true });
      const indices = cases.map(({ index }) => index);
      const file = join(folder, `${side}-${seed}-${Math.min(...indices, 0)}-${list.length}.json`);
      writeFileSync(file, JSON.stringify({ what, detail, side, seed, cases: cases.map(writeCase) }));
      list.push({ what, detail, file });
      const where = cases.length === 1 ? `index ${indices[0]}` : `one of ${cases.length} cases`;
      say(`${side}: ${what} (seed ${seed}, ${where}); to see it again: npm run fuzz -- --replay ${file}`);
      if (detail !== "") say(`  ${detail.slice(0, 2000).replaceAll("\n", "\n  ")}`);
    },
  };
}

/** Reads the cases of a file that a finding was kept in. */
export function readFinding(file: string): {
  readonly side: Side;
  readonly seed: number;
  readonly cases: readonly FuzzCase[];
} {
  const { side, seed, cases } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly side: Side;
    readonly seed: number;
    readonly cases: readonly WrittenCase[];
  };
  return { side, seed, cases: cases.map(readCase) };
}
