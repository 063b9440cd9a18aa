/** The aggregations the local tenant knows. */
export type AggregationName = "sum" | "count" | "avg" | "min" | "max" | "only";

/** A parsed expression. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "negate"; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: "+" | "-" | "*" | "/" | "&";
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "aggregation";
      readonly name: AggregationName;
      readonly distinct: boolean;
      /** Over all rows of the object instead of those of the cell's dimension values. */
      readonly total: boolean;
      readonly argument: Expression;
    };

/** Thrown for text that is not an expression; the position counts characters from 0. */
export class ExpressionSyntaxError extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.name = "ExpressionSyntaxError";
    this.position = position;
  }
}

const AGGREGATIONS: ReadonlySet<string> = new Set(["sum", "count", "avg", "min", "max", "only"]);

const TOKEN =
  /\s*(?:(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<name>[\p{L}_$#@][\p{L}\p{N}_$#@.]*)|\[(?<bracket>[^\]]*)\]|"(?<quoted>[^"]*)"|'(?<text>(?:[^']|'')*)'|(?<sign>[-+*/&(),]))/uy;

interface Token {
  readonly kind: "number" | "name" | "field" | "text" | "sign" | "end";
  readonly text: string;
  readonly position: number;
}

/** Parses an expression such as `=Sum(Amount)/Count(distinct Customer)`; a leading `=` means nothing. */
export function parseExpression(source: string): Expression {
  const text = source.replace(/^\s*=/, "");
  const parser = new Parser(tokenize(text, source.length - text.length));
  return parser.parse();
}

/** Parses an expression; nothing when it is empty or malformed. */
export function tryParse(text: string): Expression | undefined {
  try {
    return parseExpression(text);
  } catch {
    return undefined;
  }
}

function tokenize(text: string, shift: number): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const position = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) throw new ExpressionSyntaxError("Unexpected character", position + shift);
    tokens.push({ ...readToken(groups), position: position + shift });
  }
  return [...tokens, { kind: "end", text: "", position: end + shift }];
}

function readToken(groups: Readonly<Record<string, string | undefined>>): Omit<Token, "position"> {
  if (groups["number"] !== undefined) return { kind: "number", text: groups["number"] };
  if (groups["name"] !== undefined) return { kind: "name", text: groups["name"] };
  if (groups["text"] !== undefined) return { kind: "text", text: groups["text"].replaceAll("''", "'") };
  if (groups["sign"] !== undefined) return { kind: "sign", text: groups["sign"] };
  return { kind: "field", text: groups["bracket"] ?? groups["quoted"] ?? "" };
}

/** How tightly an operator binds; the text operator binds least. */
const BINDING: Readonly<Record<string, number>> = { "&": 1, "+": 2, "-": 2, "*": 3, "/": 3 };

class Parser {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Expression {
    const expression = this.#binary(1);
    if (this.#peek().kind !== "end") this.#fail("Unexpected text after the expression");
    return expression;
  }

  #binary(least: number): Expression {
    let left = this.#operand();
    for (;;) {
      const operator = this.#peek();
      const binding = operator.kind === "sign" ? (BINDING[operator.text] ?? 0) : 0;
      if (binding < least) return left;
      this.#index += 1;
      const right = this.#binary(binding + 1);
      left = { kind: "binary", operator: operator.text as "+", left, right };
    }
  }

  #operand(): Expression {
    const token = this.#peek();
    this.#index += 1;
    if (token.kind === "number") return { kind: "number", value: Number(token.text) };
    if (token.kind === "text") return { kind: "text", value: token.text };
    if (token.kind === "field") return { kind: "field", name: token.text };
    if (token.kind === "name")
      return this.#isSign("(") ? this.#call(token) : { kind: "field", name: token.text };
    if (token.text === "-") return { kind: "negate", operand: this.#operand() };
    if (token.text === "+") return this.#operand();
    if (token.text === "(") {
      const inner = this.#binary(1);
      this.#expect(")");
      return inner;
    }
    this.#index -= 1;
    return this.#fail("Expression expected");
  }

  #call(name: Token): Expression {
    const aggregation = name.text.toLowerCase();
    if (!AGGREGATIONS.has(aggregation)) throw new ExpressionSyntaxError("Unknown function", name.position);
    this.#expect("(");
    const words = this.#qualifiers();
    const argument = this.#isSign("*") && aggregation === "count" ? this.#everyRow() : this.#binary(1);
    this.#expect(")");
    if (containsAggregation(argument)) throw new ExpressionSyntaxError("Nested aggregation", name.position);
    return {
      kind: "aggregation",
      name: aggregation as AggregationName,
      distinct: words.has("distinct"),
      total: words.has("total"),
      argument,
    };
  }

  #everyRow(): Expression {
    this.#index += 1;
    return { kind: "number", value: 1 };
  }

  #qualifiers(): ReadonlySet<string> {
    const words = new Set<string>();
    for (;;) {
      const token = this.#peek();
      const word = token.text.toLowerCase();
      const following = this.#tokens[this.#index + 1];
      // A field may be called Total: it is a qualifier only when something else follows.
      if (token.kind !== "name" || (word !== "distinct" && word !== "total") || following?.text === ")")
        return words;
      words.add(word);
      this.#index += 1;
    }
  }

  #peek(): Token {
    return this.#tokens[this.#index] as Token;
  }

  #isSign(text: string): boolean {
    return this.#peek().kind === "sign" && this.#peek().text === text;
  }

  #expect(text: string): void {
    if (!this.#isSign(text)) this.#fail(`"${text}" expected`);
    this.#index += 1;
  }

  #fail(message: string): never {
    throw new ExpressionSyntaxError(message, this.#peek().position);
  }
}

function containsAggregation(expression: Expression): boolean {
  if (expression.kind === "aggregation") return true;
  if (expression.kind === "negate") return containsAggregation(expression.operand);
  return (
    expression.kind === "binary" &&
    (containsAggregation(expression.left) || containsAggregation(expression.right))
  );
}

/** The names of all fields an expression reads, in order of appearance. */
export function fieldsOf(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "field":
      return [expression.name];
    case "negate":
      return fieldsOf(expression.operand);
    case "binary":
      return [...fieldsOf(expression.left), ...fieldsOf(expression.right)];
    case "aggregation":
      return fieldsOf(expression.argument);
    default:
      return [];
  }
}
