import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type EventName, eventTable } from "../../src/kernel/events.ts";
import { repository } from "../architecture/fixture-tree.ts";

/** What can be told of is a closed type, so that code cannot tell of anything that the table does not have. */
const names = Object.keys(eventTable) as readonly EventName[];

const source = readdirSync(join(repository, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && path !== "kernel/events.ts")
  .filter((path) => !path.startsWith("server/metrics/") && !path.startsWith("server/console/"))
  .map((path) => readFileSync(join(repository, "src", path), "utf8"))
  .join("\n");

const documented = readFileSync(join(repository, "docs/reference/log-events.md"), "utf8");

describe("the table of events", () => {
  test.each(names)("%s is told of by some code, and documented", (name) => {
    expect(source).toContain(`"${name}"`);
    expect(documented).toContain(`\n| \`${name}\``);
  });

  test("documents no event besides", () => {
    const rows = [...documented.matchAll(/^\| `([a-z]+\.[a-zA-Z]+)`/gm)].map(([, name]) => name);
    expect(rows).toEqual(names);
  });

  test("has every event that the source writes down by its name", () => {
    const written = [...source.matchAll(/\bevent: "([a-z]+\.[a-zA-Z]+)"/g)].map(([, name = ""]) => name);
    expect(written.length).toBeGreaterThan(15);
    expect(written.filter((name) => !Object.hasOwn(eventTable, name))).toEqual([]);
  });
});
