import { isObject, type Json, type JsonObject, pointerSteps, toObject, toText } from "./json-value.ts";
import { ERROR, RpcError } from "./rpc-error.ts";

/** Applies `NxPatch` items (`qOp`, `qPath`, `qValue` as JSON text) and returns the changed copy. */
export function applyPatches(properties: JsonObject, patches: readonly Json[]): JsonObject {
  let result: Json = properties;
  for (const patch of patches) {
    const { qOp, qPath, qValue } = toObject(patch);
    const steps = pointerSteps(toText(qPath));
    if (steps.length === 0) throw new RpcError(ERROR.invalidParameters, toText(qPath));
    result = applyAt(result, steps, { operation: readOperation(qOp), value: readValue(qValue) });
  }
  return toObject(result);
}

interface Change {
  readonly operation: "add" | "replace" | "remove";
  readonly value: Json;
}

/** The engine takes the operation as a name or as its number. */
function readOperation(operation: Json | undefined): Change["operation"] {
  const name =
    typeof operation === "number" ? ["add", "remove", "replace"][operation] : toText(operation).toLowerCase();
  if (name === "add" || name === "replace" || name === "remove") return name;
  throw new RpcError(ERROR.invalidParameters, "qOp");
}

function readValue(text: Json | undefined): Json {
  if (text === undefined) return null;
  try {
    return JSON.parse(toText(text)) as Json;
  } catch {
    throw new RpcError(ERROR.invalidParameters, "qValue");
  }
}

function applyAt(target: Json | undefined, steps: readonly string[], change: Change): Json {
  const [step = "", ...rest] = steps;
  if (Array.isArray(target)) return applyToList(target as readonly Json[], step, rest, change);
  if (!isObject(target)) throw new RpcError(ERROR.invalidParameters, step);
  if (rest.length > 0) return { ...target, [step]: applyAt(target[step], rest, change) };
  if (change.operation !== "remove") return { ...target, [step]: change.value };
  return Object.fromEntries(Object.entries(target).filter(([member]) => member !== step));
}

function applyToList(list: readonly Json[], step: string, rest: readonly string[], change: Change): Json {
  const index = step === "-" ? list.length : Number(step);
  const last = change.operation === "add" && rest.length === 0 ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > last)
    throw new RpcError(ERROR.invalidParameters, step);
  if (rest.length > 0) return list.with(index, applyAt(list[index], rest, change));
  if (change.operation === "add") return list.toSpliced(index, 0, change.value);
  return change.operation === "remove" ? list.toSpliced(index, 1) : list.with(index, change.value);
}
