import {
  isObject,
  type Json,
  type JsonObject,
  toIntegers,
  toList,
  toNumber,
  toObject,
  toText,
} from "./json-value.ts";

/** The parameters of a call by name, whether the client sent a list or an object. */
export class RpcParams {
  readonly #values: JsonObject;

  constructor(names: readonly string[], given: Json | undefined) {
    if (isObject(given)) this.#values = given;
    else
      this.#values = Object.fromEntries(
        toList(given).map((value, index) => [names[index] ?? String(index), value]),
      );
  }

  /** Text, empty by default. */
  text(name: string): string {
    return toText(this.#values[name]);
  }

  /** A number, `fallback` (0) by default. */
  number(name: string, fallback = 0): number {
    return toNumber(this.#values[name], fallback);
  }

  /** True only for `true`. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** An object, empty by default. */
  object(name: string): JsonObject {
    return toObject(this.#values[name]);
  }

  /** A list, empty by default. */
  list(name: string): readonly Json[] {
    return toList(this.#values[name]);
  }

  /** The whole numbers of a list, empty by default. */
  integers(name: string): readonly number[] {
    return toIntegers(this.#values[name]);
  }
}
