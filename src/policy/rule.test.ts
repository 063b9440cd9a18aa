import { describe, expect, test } from "vitest";
import { parseRule, type RouteRule } from "./rule.ts";

const rule = (line: string): RouteRule => {
  const parsed = parseRule(line);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed;
};

describe("parseRule", () => {
  test("reads methods, path and the open end", () => {
    expect(parseRule("GET,HEAD /api/v1/items/**")).toEqual({
      source: "GET,HEAD /api/v1/items/**",
      methods: new Set(["GET", "HEAD"]),
      upgrade: false,
      segments: ["api", "v1", "items"],
      open: true,
      routeClass: "rest",
    });
  });

  test("takes no method for every HTTP method, never an upgrade", () => {
    expect(rule("/api/v1/spaces/*")).toMatchObject({
      methods: null,
      upgrade: false,
      segments: ["api", "v1", "spaces", "*"],
      open: false,
    });
  });

  test("takes UPGRADE for a method of its own", () => {
    expect(rule("UPGRADE /app/**")).toMatchObject({
      methods: new Set(),
      upgrade: true,
      routeClass: "engine",
    });
    expect(rule("GET,UPGRADE /api/v1/events")).toMatchObject({
      methods: new Set(["GET"]),
      upgrade: true,
      routeClass: "rest",
    });
  });

  test.each([
    ["/**", []],
    ["/", [""]],
    ["/single/", ["single", ""]],
    ["  GET   /a  ", ["a"]],
    ["GET\t/a%2Fb", ["a%2Fb"]],
  ])("%j has the segments %j", (line, segments) => {
    expect(rule(line).segments).toEqual(segments);
  });

  test.each([
    ["GET /single/**", "page"],
    ["GET /api/x", "rest"],
    ["GET /apis/x", "page"],
    ["/**", "page"],
  ])("%s is of the class %s", (line, routeClass) => {
    expect(rule(line).routeClass).toBe(routeClass);
  });

  test("takes a class that is given", () => {
    expect(parseRule("GET /resources/**", "static")).toMatchObject({ routeClass: "static" });
  });

  test.each([
    ["", "begin with"],
    ["GET", "begin with"],
    ["GET api/v1", "begin with"],
    ["get /a", '"get"'],
    ["GET, HEAD /a", "one space"],
    ["GET,,HEAD /a", '""'],
    ["TRACE /a", '"TRACE"'],
    ["CONNECT /a", '"CONNECT"'],
    ["GTE /a", '"GTE"'],
    ["* /a", '"*"'],
    ["GET /a?b", "query"],
    ["GET /a#b", "refused"],
    ["GET /a//b", "refused"],
    ["GET /a/../b", "refused"],
    ["GET /a/%2e%2e/b", "refused"],
    ["GET /a\\b", "refused"],
    ["GET /caf\u00e9", "refused"],
    ["GET /a/**/b", "at the end"],
    ["GET /a/***", "whole segment"],
    ["GET /a/b*", "whole segment"],
    ["GET /a**", "whole segment"],
  ])("explains what is wrong with %j", (line, words) => {
    expect(parseRule(line)).toMatchObject({ problem: expect.stringContaining(words) });
  });
});
