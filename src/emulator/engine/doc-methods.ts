import type { Doc } from "./doc.ts";
import type { ObjectKind } from "./engine-object.ts";
import { evaluateOne } from "./evaluation.ts";
import { ExpressionSyntaxError, fieldsOf, parseExpression, tryParse } from "./expression.ts";
import { type JsonObject, toList, toText } from "./json-value.ts";
import { objectLayout } from "./layout.ts";
import { LOCALE } from "./locale.ts";
import { toFieldName } from "./definition.ts";
import { toNum } from "./cube-page.ts";
import {
  dataChanged,
  listsChanged,
  method,
  NOTHING,
  reference,
  type RpcCall,
  type RpcMethod,
  type RpcMethods,
} from "./rpc-call.ts";

/** The methods of an open app. */
export const docMethods: RpcMethods<Doc> = {
  GetAppLayout: method([], (_, doc) => ({ qLayout: appLayout(doc) })),
  GetAppProperties: method([], (_, doc) => ({ qProp: { qTitle: doc.definition.name, qThumbnail: {} } })),
  GetLocaleInfo: method([], () => ({ qReturn: LOCALE })),
  CreateSessionObject: method(["qProp"], (call, doc) => create(call, doc, "GenericObject", false)),
  CreateObject: method(["qProp"], (call, doc) => create(call, doc, "GenericObject", true)),
  CreateDimension: method(["qProp"], (call, doc) => create(call, doc, "GenericDimension", true)),
  CreateMeasure: method(["qProp"], (call, doc) => create(call, doc, "GenericMeasure", true)),
  GetObject: method(["qId"], (call, doc) => get(call, doc, "GenericObject")),
  GetDimension: method(["qId"], (call, doc) => get(call, doc, "GenericDimension")),
  GetMeasure: method(["qId"], (call, doc) => get(call, doc, "GenericMeasure")),
  DestroySessionObject: method(["qId"], (call, doc) => destroy(call, doc, false)),
  DestroyObject: method(["qId"], (call, doc) => destroy(call, doc, true)),
  DestroyDimension: method(["qId"], (call, doc) => destroy(call, doc, true)),
  DestroyMeasure: method(["qId"], (call, doc) => destroy(call, doc, true)),
  GetAllInfos: method([], (_, doc) => ({ qInfos: doc.stored().map((object) => object.info) })),
  GetObjects: method(["qOptions"], getObjects),
  GetField: method(["qFieldName", "qStateName"], (call, doc) => {
    const field = toFieldName(call.params.text("qFieldName"));
    return {
      qReturn: doc.table.columns.has(field) ? reference(call, { type: "Field", doc, field }) : NOTHING,
    };
  }),
  GetFieldDescription: method(["qFieldName"], (call, doc) =>
    fieldDescription(doc, call.params.text("qFieldName")),
  ),
  GetTablesAndKeys: method(["qWindowSize"], (_, doc) => tablesAndKeys(doc)),
  Evaluate: method(["qExpression"], (call, doc) => {
    return { qReturn: evaluateNow(doc, call.params.text("qExpression")).qText };
  }),
  EvaluateEx: method(["qExpression"], (call, doc) => {
    return { qValue: evaluateNow(doc, call.params.text("qExpression")) };
  }),
  CheckExpression: method(["qExpr", "qLabels"], (call, doc) =>
    checkExpression(doc, call.params.text("qExpr")),
  ),
  ClearAll: selecting(["qLockedAlso", "qStateName"], ({ params }, doc) =>
    doc.selection.clear({ lockedAlso: params.flag("qLockedAlso") }),
  ),
  LockAll: selecting(["qStateName"], (_, doc) => doc.selection.lock(true)),
  UnlockAll: selecting(["qStateName"], (_, doc) => doc.selection.lock(false)),
  Back: selecting([], (_, doc) => doc.selection.back()),
  Forward: selecting([], (_, doc) => doc.selection.forward()),
  BackCount: method([], (_, doc) => ({ qReturn: doc.selection.steps.back })),
  ForwardCount: method([], (_, doc) => ({ qReturn: doc.selection.steps.forward })),
  AbortModal: selecting(["qAccept"], ({ params }, doc) => doc.selection.end(params.flag("qAccept"))),
  ClearUndoBuffer: method([], () => ({})),
  Resume: method([], () => ({})),
  DoSave: method(["qFileName"], () => ({})),
  SaveObjects: method([], () => ({})),
  GetFavoriteVariables: method([], () => ({ qNames: [] })),
  GetMediaList: method([], () => ({ qReturn: true, qList: { qItems: [] } })),
};

/** A method that changes selections and answers with nothing else. */
function selecting(names: readonly string[], run: (call: RpcCall, doc: Doc) => boolean): RpcMethod<Doc> {
  return method(names, (call, doc) => {
    if (run(call, doc)) dataChanged(call);
    return {};
  });
}

function appLayout(doc: Doc): JsonObject {
  const { definition } = doc;
  return {
    qTitle: definition.name,
    qFileName: doc.appId,
    qLastReloadTime: definition.lastReload,
    qHasScript: true,
    qHasData: doc.table.rowCount > 0,
    qStateNames: [],
    qMeta: { description: definition.description, privileges: ["read"] },
    qLocaleInfo: LOCALE,
    qIsOpenedWithoutData: doc.noData,
    qIsSessionApp: doc.appId !== definition.id,
    qIsBDILiveMode: false,
    qIsDirectQueryMode: false,
    qThumbnail: {},
    qReadOnly: true,
  };
}

function create(call: RpcCall, doc: Doc, kind: ObjectKind, stored: boolean): JsonObject {
  const object = doc.create(call.params.object("qProp"), kind, stored);
  const qReturn = reference(call, { type: kind, doc, object });
  call.opened.add(call.session.handleOf({ type: kind, doc, object }));
  if (stored) listsChanged(call);
  if (kind !== "GenericObject") dataChanged(call);
  return { qInfo: object.info, qReturn };
}

function get(call: RpcCall, doc: Doc, kind: ObjectKind): JsonObject {
  const object = doc.find(call.params.text("qId"), kind);
  return { qReturn: object === undefined ? NOTHING : reference(call, { type: kind, doc, object }) };
}

function destroy(call: RpcCall, doc: Doc, stored: boolean): JsonObject {
  const id = call.params.text("qId");
  const handles = call.session.handlesWhere((target) => "object" in target && target.object.id === id);
  const qSuccess = doc.remove(id, stored);
  if (qSuccess) {
    for (const handle of handles) {
      call.session.release(handle);
      call.closed.add(handle);
    }
    if (doc.selection.modalObject === id && doc.selection.end(true)) dataChanged(call);
    if (stored) {
      listsChanged(call);
      dataChanged(call);
    }
  }
  return { qSuccess };
}

function getObjects(call: RpcCall, doc: Doc): JsonObject {
  const types = toList(call.params.object("qOptions")["qTypes"]).map((type) => toText(type));
  const objects = doc.stored().filter(({ kind, type }) => {
    return kind === "GenericObject" && (types.length === 0 || types.includes(type));
  });
  return { qList: objects.map((object) => objectLayout(doc, object)) };
}

function evaluateNow(
  doc: Doc,
  source: string,
): { qText: string; qIsNumeric: boolean; qNumber: number | string } {
  const expression = tryParse(source);
  if (expression === undefined)
    return { qText: "Error: Error in expression", qIsNumeric: false, qNumber: "NaN" };
  const value = evaluateOne(expression, doc.selection.association.rows, doc.table);
  return { qText: value.text, qIsNumeric: Number.isFinite(value.number), qNumber: toNum(value.number) };
}

function checkExpression(doc: Doc, source: string): JsonObject {
  try {
    const unknown = fieldsOf(parseExpression(source)).filter((field) => !doc.table.columns.has(field));
    const qBadFieldNames = unknown.map((field) => ({ qFrom: source.indexOf(field), qCount: field.length }));
    return { qErrorMsg: "", qBadFieldNames, qDangerousFieldNames: [] };
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    return {
      qErrorMsg: `${error.message} (${error.position})`,
      qBadFieldNames: [],
      qDangerousFieldNames: [],
    };
  }
}

function fieldDescription(doc: Doc, name: string): JsonObject {
  const column = doc.table.columns.get(toFieldName(name));
  if (column === undefined) return { qReturn: {} };
  return {
    qReturn: {
      qName: column.name,
      qCardinal: column.values.length,
      qTotalCount: column.codes.length,
      qIsNumeric: column.tags.includes("$numeric"),
      qSrcTables: [doc.table.name],
      qTags: column.tags,
    },
  };
}

function tablesAndKeys({ table }: Doc): JsonObject {
  const qFields = [...table.columns.values()].map((column) => ({
    qName: column.name,
    qPresent: true,
    qHasNull: column.codes.some((code) => code >= column.values.length),
    qnRows: table.rowCount,
    qnTotalDistinctValues: column.values.length,
    qnPresentDistinctValues: column.values.length,
    qKeyType: "NOT_KEY",
    qTags: column.tags,
  }));
  return { qtr: [{ qName: table.name, qNoOfRows: table.rowCount, qFields, qPos: { qx: 0, qy: 0 } }], qk: [] };
}
