import { describe, expect, test } from "vitest";
import { nearestName } from "./nearest-name.ts";

const known = ["publicOrigin", "allowedOrigins", "prefix", "session", "tenant", "timeouts"];

describe("nearestName", () => {
  test.each([
    ["publicorigin", "publicOrigin"],
    ["public_origin", "publicOrigin"],
    ["allowedOrigin", "allowedOrigins"],
    ["timeout", "timeouts"],
    ["sesion", "session"],
    ["tenatn", "tenant"],
  ])("takes %s for %s", (typed, meant) => {
    expect(nearestName(typed, known)).toBe(meant);
  });

  test.each(["x", "cookieSecret", "database"])("takes %s for nothing known", (typed) => {
    expect(nearestName(typed, known)).toBeNull();
  });
});
