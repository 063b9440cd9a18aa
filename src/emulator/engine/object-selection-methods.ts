import { isPossible, type ValueState } from "./association.ts";
import { NULL_CODE } from "./column.ts";
import type { Cube } from "./cube.ts";
import { OTHERS_CODE } from "./cube-others.ts";
import { type Json, type JsonObject, toIntegers, toNumber, toObject, toText } from "./json-value.ts";
import { searchValues } from "./list-object.ts";
import { cubeAt, isListPath, listAt } from "./object-data.ts";
import {
  dataChanged,
  method,
  type ObjectSubject,
  type RpcCall,
  type RpcMethod,
  type RpcMethods,
} from "./rpc-call.ts";

/** The methods of a generic object that select. */
export const objectSelectionMethods: RpcMethods<ObjectSubject> = {
  BeginSelections: method(["qPaths"], (call, { doc, object }) => {
    doc.selection.begin(object.id);
    call.changed.add(call.session.handleOf({ type: "GenericObject", doc, object }));
    return {};
  }),
  EndSelections: method(["qAccept"], (call, { doc, object }) => {
    if (doc.selection.modalObject === object.id && doc.selection.end(call.params.flag("qAccept")))
      dataChanged(call);
    return {};
  }),
  ResetMadeSelections: method([], (call, { doc, object }) => {
    if (doc.selection.modalObject === object.id && doc.selection.reset()) dataChanged(call);
    return {};
  }),
  ClearSelections: method(["qPath", "qColIndices"], (call, subject) => {
    const fields = fieldsAt(subject, call.params.text("qPath"), call.params.list("qColIndices"));
    let done = false;
    for (const field of fields) done = subject.doc.selection.clear({ field }) || done;
    if (done) dataChanged(call);
    return {};
  }),
  Lock: locking(true),
  Unlock: locking(false),
  SelectHyperCubeValues: selecting(
    ["qPath", "qDimNo", "qValues", "qToggleMode"],
    ({ params }, { doc, object }) => {
      const cube = cubeAt(doc, object, params.text("qPath"));
      const field = cube.dimensions[params.number("qDimNo")]?.field ?? "";
      return doc.selection.select(field, params.integers("qValues"), { toggle: params.flag("qToggleMode") });
    },
  ),
  SelectHyperCubeCells: selecting(["qPath", "qRowIndices", "qColIndices", "qSoftLock"], (call, subject) => {
    const { params } = call;
    const cube = cubeAt(subject.doc, subject.object, params.text("qPath"));
    const groups = params.integers("qRowIndices").map((row) => cube.order[row] ?? -1);
    const chosen = valuesOf(cube, groups, params.integers("qColIndices"));
    return subject.doc.selection.selectMany(chosen, { softLock: params.flag("qSoftLock") });
  }),
  RangeSelectHyperCubeValues: selecting(["qPath", "qRanges", "qColumnsToSelect", "qOrMode"], selectRange),
  SelectListObjectValues: selecting(
    ["qPath", "qValues", "qToggleMode", "qSoftLock"],
    ({ params }, subject) => {
      const list = listAt(subject.doc, subject.object, params.text("qPath"));
      const options = { toggle: params.flag("qToggleMode"), softLock: params.flag("qSoftLock") };
      return subject.doc.selection.select(list.field, params.integers("qValues"), options);
    },
  ),
  SelectListObjectAll: selectingByState(() => true),
  SelectListObjectPossible: selectingByState(isPossible),
  SelectListObjectAlternative: selectingByState((state) => state === "A"),
  SelectListObjectExcluded: selectingByState((state) => state === "X" || state === "A"),
  SearchListObjectFor: method(["qPath", "qMatch"], (call, { doc, object }) => {
    const path = call.params.text("qPath");
    const match = call.params.text("qMatch");
    const { column } = listAt(doc, object, path);
    object.searches.set(path, match);
    call.changed.add(call.session.handleOf({ type: "GenericObject", doc, object }));
    return { qSuccess: column !== undefined && (match === "" || searchValues(column, match).length > 0) };
  }),
  AbortListObjectSearch: method(["qPath"], (call, { doc, object }) => {
    object.searches.delete(call.params.text("qPath"));
    call.changed.add(call.session.handleOf({ type: "GenericObject", doc, object }));
    return {};
  }),
  AcceptListObjectSearch: method(["qPath", "qToggleMode", "qSoftLock"], acceptSearch),
};

function selecting(
  names: readonly string[],
  run: (call: RpcCall, subject: ObjectSubject) => boolean,
): RpcMethod<ObjectSubject> {
  return method(names, (call, subject): JsonObject => {
    const qSuccess = run(call, subject);
    if (qSuccess) dataChanged(call);
    return { qSuccess };
  });
}

function selectingByState(fits: (state: ValueState) => boolean): RpcMethod<ObjectSubject> {
  return selecting(["qPath", "qSoftLock"], ({ params }, { doc, object }) => {
    const list = listAt(doc, object, params.text("qPath"));
    const states = doc.selection.association.states(list.field);
    const chosen = list.order.filter((code) => fits(states[code] ?? "X"));
    return (
      chosen.length > 0 && doc.selection.select(list.field, chosen, { softLock: params.flag("qSoftLock") })
    );
  });
}

function locking(locked: boolean): RpcMethod<ObjectSubject> {
  return method(["qPath", "qColIndices"], (call, subject) => {
    const fields = fieldsAt(subject, call.params.text("qPath"), call.params.list("qColIndices"));
    let done = false;
    for (const field of fields) done = subject.doc.selection.lock(locked, field) || done;
    if (done) dataChanged(call);
    return {};
  });
}

/** The fields behind a path: that of a list object, or those of a hypercube's columns (all of them by default). */
function fieldsAt({ doc, object }: ObjectSubject, path: string, columns: readonly Json[]): readonly string[] {
  if (isListPath(path)) return [listAt(doc, object, path).field];
  const fields = cubeAt(doc, object, path).dimensions.map(({ field }) => field);
  const wanted = toIntegers(columns);
  return wanted.length === 0 ? fields : fields.filter((_, index) => wanted.includes(index));
}

/** The values that cells of a cube hold, by field; measures hold none. */
function valuesOf(
  cube: Cube,
  groups: readonly number[],
  columns: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const chosen = new Map<string, readonly number[]>();
  for (const column of columns) {
    const dimension = cube.dimensions[column];
    if (dimension === undefined) continue;
    const codes = groups.map((group) => dimension.codes[group] ?? NULL_CODE);
    const values = [...new Set(codes)].filter((code) => code !== NULL_CODE && code !== OTHERS_CODE);
    if (values.length > 0) chosen.set(dimension.field, values);
  }
  return chosen;
}

/** Selects the dimension values of the rows whose measures lie in all the ranges, or in one with `qOrMode`. */
function selectRange({ params }: RpcCall, { doc, object }: ObjectSubject): boolean {
  const cube = cubeAt(doc, object, params.text("qPath"));
  const tests = params.list("qRanges").map((item) => {
    const { qMeasureIx, qRange } = toObject(item);
    const values = cube.measures[toNumber(qMeasureIx)]?.values.numbers;
    return (group: number): boolean => isWithin(values?.[group] ?? Number.NaN, toObject(qRange));
  });
  if (tests.length === 0) return false;
  const anyIsEnough = params.flag("qOrMode");
  const groups = cube.order.filter((group) =>
    anyIsEnough ? tests.some((test) => test(group)) : tests.every((test) => test(group)),
  );
  const columns = params.integers("qColumnsToSelect");
  const all = cube.dimensions.map((_, index) => index);
  return doc.selection.selectMany(valuesOf(cube, groups, columns.length === 0 ? all : columns));
}

/** A missing bound is open; bounds belong to the range only when they are said to. */
function isWithin(number: number, range: JsonObject): boolean {
  if (Number.isNaN(number)) return false;
  const low = toNumber(range["qMin"], Number.NEGATIVE_INFINITY);
  const high = toNumber(range["qMax"], Number.POSITIVE_INFINITY);
  const aboveLow = range["qMinInclEq"] === true ? number >= low : number > low;
  return aboveLow && (range["qMaxInclEq"] === true ? number <= high : number < high);
}

function acceptSearch(call: RpcCall, { doc, object }: ObjectSubject): JsonObject {
  const path = call.params.text("qPath");
  const list = listAt(doc, object, path);
  const search = toText(object.searches.get(path));
  object.searches.delete(path);
  if (search === "") return {};
  const options = { toggle: call.params.flag("qToggleMode"), softLock: call.params.flag("qSoftLock") };
  if (list.order.length > 0) doc.selection.select(list.field, list.order, options);
  dataChanged(call);
  return {};
}
