import { expect, test } from "vitest";
import { bench, cellOf, longest } from "./bench-command.ts";

/*
 * What the bench says of connections depends on who comes back in time, and so on what else runs: nothing does beside this.
 */

test(
  "counts the connections of pages and of many sessions",
  async () => {
    const { status, said } = await bench(
      "--only",
      "ours,shared-pool",
      "--loads",
      "tls/pages,sessions",
      "--pages",
      "100",
      "--sessions",
      "40",
    );
    const [, pages = ""] = said.split("### pages of 30 requests, 100 sessions, TLS upstream");
    const opened = (contender: string): number => Number(cellOf(pages, contender, "opened a page"));
    expect(Number(cellOf(pages, "ours", "CPU µs a request"))).toBeGreaterThan(0);
    // Hardly anybody comes back in time; only who shares finds what others have opened.
    expect(opened("ours")).toBeGreaterThan(1);
    expect(opened("ours")).toBeLessThanOrEqual(6);
    expect(opened("shared-pool")).toBeLessThan(opened("ours") / 2);
    const [, sessions = ""] = said.split("## Many sessions");
    expect(Number(cellOf(sessions, "40", "CPU µs a login"))).toBeGreaterThan(0);
    const [, requests = ""] = sessions.split("needed a new one.");
    for (const which of ["40", "few"])
      expect(Number(cellOf(requests, which, "CPU µs a request"))).toBeGreaterThan(0);
    expect(status).toBe(0);
  },
  longest,
);
