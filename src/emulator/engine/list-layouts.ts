import type { Association } from "./association.ts";
import type { Column } from "./column.ts";
import type { Doc } from "./doc.ts";
import type { ObjectKind } from "./engine-object.ts";
import { atPointer, type JsonObject, toObject, toText } from "./json-value.ts";
import type { FieldSelection } from "./selections.ts";

/** Up to this many selected values are named, more are counted; the engine's default. */
const SELECTION_THRESHOLD = 6;

/** The `qSelectionObject` of a layout: the current selections. */
export function selectionList(doc: Doc): JsonObject {
  const { current, steps, association } = doc.selection;
  return {
    qBackCount: steps.back,
    qForwardCount: steps.forward,
    qSelections: [...current].flatMap(([field, selection], index) => {
      const column = doc.table.columns.get(field);
      return column === undefined ? [] : [describeSelection(column, selection, association, index)];
    }),
  };
}

function describeSelection(
  column: Column,
  selection: FieldSelection,
  association: Association,
  index: number,
): JsonObject {
  const total = column.values.length;
  const states = association.states(column.name);
  const names = [...selection.values].sort((a, b) => a - b).map((code) => column.values[code]?.text ?? "");
  const count = (...wanted: readonly string[]): number =>
    states.filter((state) => wanted.includes(state)).length;
  return {
    qTotal: total,
    qIsNum: column.tags.includes("$numeric"),
    qField: column.name,
    qReadableName: column.name,
    qLocked: selection.locked,
    qOneAndOnlyOne: false,
    qTextSearch: "",
    qSelectedCount: names.length,
    qSelected: names.length > SELECTION_THRESHOLD ? `${names.length} of ${total}` : names.join(", "),
    qRangeInfo: [],
    qSortIndex: index,
    qStateCounts: {
      qLocked: count("L"),
      qSelected: count("S"),
      qOption: count("O"),
      qDeselected: 0,
      qAlternative: count("A"),
      qExcluded: count("X"),
      qSelectedExcluded: count("XS"),
      qLockedExcluded: count("XL"),
    },
    qSelectedFieldSelectionInfo: names.slice(0, SELECTION_THRESHOLD).map((qName) => ({ qName })),
    qNotSelectedFieldSelectionInfo: [],
    qSelectionThreshold: SELECTION_THRESHOLD,
    qIsHidden: false,
  };
}

/** The `qFieldList` of a layout. */
export function fieldList(doc: Doc, definition: JsonObject): JsonObject {
  const qItems = [...doc.table.columns.values()].map((column) => ({
    qIsHidden: false,
    qIsSystem: false,
    qName: column.name,
    qCardinal: column.values.length,
    qTags: column.tags,
    qSrcTables: [doc.table.name],
    ...(definition["qShowSrcTables"] === false ? { qSrcTables: [] } : {}),
  }));
  return { qItems };
}

/** A list of stored objects, dimensions or measures, with the members that `qData` asks for by JSON pointer. */
export function itemList(doc: Doc, kind: ObjectKind, definition: JsonObject): JsonObject {
  const type = toText(definition["qType"]);
  const wanted = Object.entries(toObject(definition["qData"]));
  const objects = doc.stored().filter((object) => {
    return object.kind === kind && (kind !== "GenericObject" || type === "" || object.type === type);
  });
  return {
    qItems: objects.map((object) => ({
      qInfo: object.info,
      qMeta: { ...toObject(object.properties["qMetaDef"]) },
      qData: Object.fromEntries(
        wanted.map(([name, pointer]) => [name, atPointer(object.properties, toText(pointer))]),
      ),
    })),
  };
}

/** A list of a kind of thing that the local tenant's apps have none of. */
export function emptyList(): JsonObject {
  return { qItems: [] };
}
