import { describe, expect, test } from "vitest";
import { createSingleFlight } from "./single-flight.ts";

describe("createSingleFlight", () => {
  test("runs the task once for fifty callers at once and gives all the same outcome", async () => {
    const flight = createSingleFlight<string, object>();
    let runs = 0;
    const task = async (): Promise<object> => {
      runs += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return {};
    };
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => flight.run("a", task)));
    expect(runs).toBe(1);
    expect(new Set(outcomes).size).toBe(1);
  });

  test("keeps nothing once the run has settled", async () => {
    const flight = createSingleFlight<string, number>();
    let runs = 0;
    const task = (): number => (runs += 1);
    expect(await flight.run("a", task)).toBe(1);
    expect(flight.size).toBe(0);
    expect(await flight.run("a", task)).toBe(2);
  });

  test("fails every waiter when the task fails, and tries again afterwards", async () => {
    const flight = createSingleFlight<string, number>();
    const failing = (): number => {
      throw new Error("refused");
    };
    const outcomes = await Promise.allSettled([flight.run("a", failing), flight.run("a", () => 1)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected"]);
    expect(flight.has("a")).toBe(false);
    expect(await flight.run("a", () => 7)).toBe(7);
  });

  test("keeps different keys apart, however alike they look", async () => {
    const flight = createSingleFlight<unknown, string>();
    const [text, number] = await Promise.all([flight.run("1", () => "text"), flight.run(1, () => "number")]);
    expect([text, number]).toEqual(["text", "number"]);
  });

  test("a task that is done is out of the way before its waiters go on", async () => {
    const flight = createSingleFlight<string, number>();
    const nested = flight.run("a", () => 1).then(() => flight.run("a", () => 2));
    expect(await nested).toBe(2);
  });
});
