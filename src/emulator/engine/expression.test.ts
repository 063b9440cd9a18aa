import { describe, expect, test } from "vitest";
import { ExpressionSyntaxError, fieldsOf, parseExpression, tryParse } from "./expression.ts";

describe("parseExpression", () => {
  test("reads an aggregation of a field, with and without the leading equals sign", () => {
    const sum = {
      kind: "aggregation",
      name: "sum",
      distinct: false,
      total: false,
      argument: { kind: "field", name: "Amount" },
    };
    expect(parseExpression("Sum(Amount)")).toEqual(sum);
    expect(parseExpression(" =sum( [Amount] ) ")).toEqual(sum);
  });

  test("reads the qualifiers distinct and total", () => {
    expect(parseExpression('Count(distinct "Sales rep")')).toMatchObject({
      distinct: true,
      argument: { name: "Sales rep" },
    });
    expect(parseExpression("Sum(TOTAL Amount)")).toMatchObject({ total: true, argument: { name: "Amount" } });
    expect(parseExpression("Sum(Total)")).toMatchObject({ total: false, argument: { name: "Total" } });
  });

  test("binds multiplication tighter than addition, and to the left", () => {
    expect(parseExpression("1-2-3*4")).toEqual({
      kind: "binary",
      operator: "-",
      left: {
        kind: "binary",
        operator: "-",
        left: { kind: "number", value: 1 },
        right: { kind: "number", value: 2 },
      },
      right: {
        kind: "binary",
        operator: "*",
        left: { kind: "number", value: 3 },
        right: { kind: "number", value: 4 },
      },
    });
  });

  test.each([
    ["Sum(", 4],
    ["Sum(Amount))", 11],
    ["", 0],
    ["=Nope(Amount)", 1],
    ["Sum(Sum(Amount))", 0],
    ["1 ? 2", 1],
    ["1 +", 3],
    ["(1", 2],
  ])("refuses %j at position %i", (source, position) => {
    const failure = failureOf(source);
    expect(failure).toBeInstanceOf(ExpressionSyntaxError);
    expect(failure).toHaveProperty("position", position);
    expect(tryParse(source)).toBeUndefined();
  });

  test("names the fields it reads", () => {
    expect(fieldsOf(parseExpression("Sum(A)-Count(distinct [B c])/-Max(D*2)&'x'"))).toEqual([
      "A",
      "B c",
      "D",
    ]);
  });
});

function failureOf(source: string): unknown {
  try {
    return parseExpression(source);
  } catch (error) {
    return error;
  }
}
