import { describe, expect, test } from "vitest";
import { applyPatches } from "./json-patch.ts";
import { RpcError } from "./rpc-error.ts";

const properties = { title: "a", list: [1, 2, 3], deep: { "x/y": { z: true } } };

function patch(qOp: string | number, qPath: string, value?: unknown): unknown {
  const qValue = value === undefined ? {} : { qValue: JSON.stringify(value) };
  return applyPatches(properties, [{ qOp, qPath, ...qValue }]);
}

describe("applyPatches", () => {
  test("adds, replaces and removes members and items", () => {
    expect(patch("replace", "/title", "b")).toMatchObject({ title: "b" });
    expect(patch("Add", "/deep/new", { n: 1 })).toMatchObject({ deep: { new: { n: 1 } } });
    expect(patch("remove", "/deep/x~1y")).toMatchObject({ deep: {} });
    expect(patch("add", "/list/1", 9)).toMatchObject({ list: [1, 9, 2, 3] });
    expect(patch("add", "/list/-", 9)).toMatchObject({ list: [1, 2, 3, 9] });
    expect(patch(1, "/list/0")).toMatchObject({ list: [2, 3] });
    expect(patch("replace", "/deep/x~1y/z", false)).toMatchObject({ deep: { "x/y": { z: false } } });
  });

  test("leaves the original as it was", () => {
    patch("replace", "/list/0", 9);
    expect(properties.list).toEqual([1, 2, 3]);
  });

  test.each([
    ["move", "/title", 1],
    ["replace", "", 1],
    ["replace", "/list/9", 1],
    ["replace", "/nothing/here", 1],
    ["remove", "/list/3", undefined],
  ])("refuses %s at %j", (operation, path, value) => {
    expect(() => patch(operation, path, value)).toThrow(RpcError);
  });

  test("refuses a value that is no JSON", () => {
    expect(() => applyPatches(properties, [{ qOp: "replace", qPath: "/title", qValue: "{" }])).toThrow(
      RpcError,
    );
  });
});
