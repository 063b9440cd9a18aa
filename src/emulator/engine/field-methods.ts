import { isPossible, type ValueState } from "./association.ts";
import type { Column } from "./column.ts";
import type { Doc } from "./doc.ts";
import { isObject, type Json, type JsonObject, toText } from "./json-value.ts";
import { searchValues } from "./list-object.ts";
import { dataChanged, method, type RpcCall, type RpcMethod, type RpcMethods } from "./rpc-call.ts";

/** A field together with the app it is in. */
interface FieldSubject {
  readonly doc: Doc;
  readonly field: string;
}

/** The methods of a field. */
export const fieldMethods: RpcMethods<FieldSubject> = {
  GetCardinal: method([], (_, subject) => ({ qReturn: columnOf(subject).values.length })),
  GetNxProperties: method([], () => ({ qProperties: { qOneAndOnlyOne: false } })),
  GetAndMode: method([], () => ({ qReturn: false })),
  Select: selecting(["qMatch", "qSoftLock", "qExcludedValuesMode"], ({ params }, subject) =>
    choose(subject, find(columnOf(subject), params.text("qMatch")), { softLock: params.flag("qSoftLock") }),
  ),
  ToggleSelect: selecting(["qMatch", "qSoftLock", "qExcludedValuesMode"], ({ params }, subject) =>
    choose(subject, find(columnOf(subject), params.text("qMatch")), {
      toggle: true,
      softLock: params.flag("qSoftLock"),
    }),
  ),
  SelectValues: selecting(["qFieldValues", "qToggleMode", "qSoftLock"], ({ params }, subject) => {
    const codes = params.list("qFieldValues").flatMap((value) => codeOf(columnOf(subject), value) ?? []);
    return choose(subject, codes, { toggle: params.flag("qToggleMode"), softLock: params.flag("qSoftLock") });
  }),
  LowLevelSelect: selecting(["qValues", "qToggleMode", "qSoftLock"], ({ params }, subject) =>
    choose(subject, params.integers("qValues"), {
      toggle: params.flag("qToggleMode"),
      softLock: params.flag("qSoftLock"),
    }),
  ),
  SelectAll: byState(() => true),
  SelectPossible: byState(isPossible),
  SelectAlternative: byState((state) => state === "A"),
  SelectExcluded: byState((state) => state === "X" || state === "A"),
  Clear: selecting([], (_, { doc, field }) => doc.selection.clear({ field })),
  ClearAllButThis: selecting(["qSoftLock"], ({ params }, { doc, field }) =>
    doc.selection.clear({ kept: field, lockedAlso: params.flag("qSoftLock") }),
  ),
  Lock: selecting([], (_, { doc, field }) => doc.selection.lock(true, field)),
  Unlock: selecting([], (_, { doc, field }) => doc.selection.lock(false, field)),
};

function selecting(
  names: readonly string[],
  run: (call: RpcCall, subject: FieldSubject) => boolean,
): RpcMethod<FieldSubject> {
  return method(names, (call, subject): JsonObject => {
    const qReturn = run(call, subject);
    if (qReturn) dataChanged(call);
    return { qReturn };
  });
}

function byState(fits: (state: ValueState) => boolean): RpcMethod<FieldSubject> {
  return selecting(["qSoftLock"], ({ params }, subject) => {
    const states = subject.doc.selection.association.states(subject.field);
    const codes = states.flatMap((state, code) => (fits(state) ? [code] : []));
    return choose(subject, codes, { softLock: params.flag("qSoftLock") });
  });
}

/** Selects values; a call that names none does nothing. */
function choose(
  { doc, field }: FieldSubject,
  codes: readonly number[],
  options: { readonly toggle?: boolean; readonly softLock: boolean },
): boolean {
  return codes.length > 0 && doc.selection.select(field, codes, options);
}

function columnOf({ doc, field }: FieldSubject): Column {
  const column = doc.table.columns.get(field);
  if (column === undefined) throw new RangeError(`no field ${field}`);
  return column;
}

/** Values that a match text names: one exact value, or what a search with wildcards finds. */
function find(column: Column, match: string): readonly number[] {
  const exact = column.values.findIndex(({ text }) => text.toLowerCase() === match.toLowerCase());
  if (exact >= 0) return [exact];
  return /[*?<>]/.test(match) ? searchValues(column, match) : [];
}

/** The element number of a `FieldValue`, which names its value by number or by text. */
function codeOf(column: Column, value: Json): number | undefined {
  if (!isObject(value)) return undefined;
  const number = value["qNumber"];
  const isNumeric = value["qIsNumeric"] === true && typeof number === "number";
  const code = isNumeric
    ? column.numbers.indexOf(number)
    : column.values.findIndex(({ text }) => text === toText(value["qText"]));
  return code < 0 ? undefined : code;
}
