import { describe, expect, test } from "vitest";
import { takeTurns, type Line, type LineAnswer } from "./gate-line.ts";

/** A line at a tenant that allows one login a second. */
function setUp() {
  let line: Line = { fullAt: 0, nodes: [] };
  let now = 1_700_000_000_000;
  const ask = (node: string, wanted: number): LineAnswer => {
    const answer = takeTurns(line, now, { node, perMinute: 60, wanted });
    ({ line } = answer);
    return answer;
  };
  return {
    ask,
    pass: (ms: number) => (now += ms),
    get line() {
      return line;
    },
  };
}

describe("takeTurns", () => {
  test("nobody stands in line while there are turns for all", () => {
    const gate = setUp();
    expect(gate.ask("a", 30)).toMatchObject({ granted: 30, wait: 0, sharers: 1 });
    expect(gate.ask("b", 30)).toMatchObject({ granted: 30, wait: 0, sharers: 1 });
    expect(gate.line.nodes).toEqual([]);
  });

  test("nodes that have to wait get one turn after the other, and are told when", () => {
    const gate = setUp();
    gate.ask("a", 60);
    expect(["a", "b", "c"].map((node) => gate.ask(node, 5).wait)).toEqual([1000, 2000, 3000]);
    const order: string[] = [];
    for (let second = 0; second < 6; second += 1) {
      gate.pass(1000);
      for (const node of ["c", "b", "a"]) if (gate.ask(node, 5).granted > 0) order.push(node);
    }
    expect(order).toEqual(["a", "b", "c", "a", "b", "c"]);
    expect(gate.ask("a", 5)).toMatchObject({ wait: 1000, sharers: 3 });
  });

  test("a node that does not come for its turn loses its place to the one that asks", () => {
    const gate = setUp();
    gate.ask("a", 60);
    gate.ask("dead", 5);
    gate.ask("b", 5);
    gate.pass(1099);
    expect(gate.ask("b", 5)).toMatchObject({ granted: 0, wait: 1000 });
    gate.pass(1);
    expect(gate.ask("b", 5)).toMatchObject({ granted: 1, sharers: 1 });
    expect(gate.line.nodes).toEqual(["b"]);
  });

  test("a node that has what it wanted leaves the line", () => {
    const gate = setUp();
    gate.ask("a", 60);
    gate.ask("b", 1);
    gate.pass(1000);
    expect(gate.ask("b", 1)).toMatchObject({ granted: 1, wait: 0 });
    expect(gate.line.nodes).toEqual([]);
  });

  test("asking again while one waits, or for nothing, changes nothing", () => {
    const gate = setUp();
    gate.ask("a", 60);
    gate.ask("a", 3);
    const before = gate.line;
    gate.pass(300);
    expect(gate.ask("a", 3).wait).toBe(700);
    gate.ask("b", 0);
    expect(gate.line).toBe(before);
  });

  test("the line has an end", () => {
    const gate = setUp();
    gate.ask("a", 60);
    for (let index = 0; index < 150; index += 1) gate.ask(`node ${index}`, 1);
    expect(gate.line.nodes).toHaveLength(100);
  });
});
