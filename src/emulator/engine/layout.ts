import { cubeLayout } from "./cube-layout.ts";
import type { Doc } from "./doc.ts";
import type { EngineObject } from "./engine-object.ts";
import { evaluateOne } from "./evaluation.ts";
import { tryParse } from "./expression.ts";
import { isObject, type Json, type JsonObject, toObject, toText } from "./json-value.ts";
import { listObjectLayout } from "./list-object.ts";
import { emptyList, fieldList, itemList, selectionList } from "./list-layouts.ts";
import { cubeAt, listAt } from "./object-data.ts";
import { toNum } from "./cube-page.ts";

interface LayoutContext {
  readonly doc: Doc;
  readonly object: EngineObject;
}

/** Properties that stay out of the layout. */
const LEFT_OUT: ReadonlySet<string> = new Set(["qLayoutExclude", "qMetaDef", "qInfo", "qChildListDef"]);

/** The layout of an object: its properties with every definition replaced by what it gives now. */
export function objectLayout(doc: Doc, object: EngineObject): JsonObject {
  const properties = object.effectiveProperties;
  const body = expandMembers(properties, "", { doc, object });
  return {
    qInfo: object.info,
    qMeta: { privileges: ["read", "update", "delete", "exportdata"], ...toObject(properties["qMetaDef"]) },
    qSelectionInfo:
      doc.selection.modalObject === object.id ? { qInSelections: true, qMadeSelections: true } : {},
    ...(object.isSoftPatched ? { qHasSoftPatches: true } : {}),
    ...(object.kind === "GenericDimension" ? dimensionFields(properties) : {}),
    ...body,
    ...(properties["qChildListDef"] === undefined ? {} : { qChildList: { qItems: [] } }),
  };
}

function dimensionFields(properties: JsonObject): JsonObject {
  const dimension = toObject(properties["qDim"]);
  return { qDimInfos: [{ qTags: [], qIsSemantic: false }], qDim: dimension };
}

function expandMembers(members: JsonObject, path: string, context: LayoutContext): JsonObject {
  const layout: Record<string, Json | undefined> = {};
  for (const [member, value] of Object.entries(members)) {
    if (LEFT_OUT.has(member) || value === undefined) continue;
    const place = `${path}/${member.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const definition = isObject(value) ? expandDefinition(member, value, place, context) : undefined;
    if (definition === undefined) layout[member] = expand(value, place, context);
    else layout[member.replace(/Def$/, "")] = definition;
  }
  return layout;
}

function expand(value: Json, path: string, context: LayoutContext): Json {
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((item, index) => expand(item, `${path}/${index}`, context));
  }
  if (!isObject(value)) return value;
  if ("qStringExpression" in value) return evaluateText(context, toExpression(value["qStringExpression"]));
  if ("qValueExpression" in value) return evaluateNumber(context, toExpression(value["qValueExpression"]));
  return expandMembers(value, path, context);
}

function expandDefinition(
  member: string,
  definition: JsonObject,
  path: string,
  { doc, object }: LayoutContext,
): JsonObject | undefined {
  switch (member) {
    case "qHyperCubeDef":
      return cubeLayout(cubeAt(doc, object, path));
    case "qListObjectDef":
      return listObjectLayout(listAt(doc, object, path));
    case "qSelectionObjectDef":
      return selectionList(doc);
    case "qFieldListDef":
      return fieldList(doc, definition);
    case "qAppObjectListDef":
      return itemList(doc, "GenericObject", definition);
    case "qDimensionListDef":
      return itemList(doc, "GenericDimension", definition);
    case "qMeasureListDef":
      return itemList(doc, "GenericMeasure", definition);
    case "qBookmarkListDef":
    case "qVariableListDef":
    case "qMediaListDef":
      return emptyList();
    case "qUndoInfoDef":
      return { qUndoCount: 0, qRedoCount: 0 };
    default:
      return undefined;
  }
}

/** An expression is given as text or as `{qExpr}`. */
function toExpression(value: Json | undefined): string {
  return isObject(value) ? toText(value["qExpr"]) : toText(value);
}

/** Text without a leading `=` stands for itself. */
function evaluateText({ doc }: LayoutContext, source: string): string {
  if (!/^\s*=/.test(source)) return source;
  const expression = tryParse(source);
  return expression === undefined
    ? "-"
    : evaluateOne(expression, doc.selection.association.rows, doc.table).text;
}

function evaluateNumber({ doc }: LayoutContext, source: string): Json {
  const expression = source === "" ? undefined : tryParse(source);
  if (expression === undefined) return "NaN";
  return toNum(evaluateOne(expression, doc.selection.association.rows, doc.table).number);
}
