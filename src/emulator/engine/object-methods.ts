import { cutPage, cutReducedPage, isTooLarge, type PageArea, readPage } from "./cube-page.ts";
import { cutStackPage } from "./cube-stack.ts";
import type { JsonObject } from "./json-value.ts";
import { applyPatches } from "./json-patch.ts";
import { objectLayout } from "./layout.ts";
import { cutListPage } from "./list-object.ts";
import { cubeAt, listAt } from "./object-data.ts";
import {
  dataChanged,
  listsChanged,
  method,
  type ObjectSubject,
  type RpcCall,
  type RpcMethods,
} from "./rpc-call.ts";
import { ERROR, RpcError } from "./rpc-error.ts";
import { objectSelectionMethods } from "./object-selection-methods.ts";

/** The methods of a generic object. */
export const objectMethods: RpcMethods<ObjectSubject> = {
  ...objectSelectionMethods,
  GetInfo: method([], (_, { object }) => ({ qInfo: object.info })),
  GetLayout: method([], (_, { doc, object }) => ({ qLayout: objectLayout(doc, object) })),
  GetProperties: method([], (_, { object }) => ({ qProp: object.properties })),
  GetEffectiveProperties: method([], (_, { object }) => ({ qProp: object.effectiveProperties })),
  GetFullPropertyTree: method([], (_, { object }) => ({
    qPropEntry: { qProperty: object.properties, qChildren: [], qEmbeddedSnapshotRef: null },
  })),
  GetChildInfos: method([], () => ({ qInfos: [] })),
  GetLinkedObjects: method([], () => ({ qItems: [] })),
  SetProperties: method(["qProp"], (call, subject) => change(call, subject, call.params.object("qProp"))),
  ApplyPatches: method(["qPatches", "qSoftPatch"], (call, subject) => {
    const { object } = subject;
    const patches = call.params.list("qPatches");
    if (!call.params.flag("qSoftPatch"))
      return change(call, subject, applyPatches(object.properties, patches));
    object.setSoftProperties(applyPatches(object.effectiveProperties, patches));
    call.changed.add(call.session.handleOf({ type: "GenericObject", ...subject }));
    return {};
  }),
  ClearSoftPatches: method([], (call, subject) => {
    subject.object.setSoftProperties(undefined);
    call.changed.add(call.session.handleOf({ type: "GenericObject", ...subject }));
    return {};
  }),
  GetHyperCubeData: method(["qPath", "qPages"], ({ params }, { doc, object }) => {
    const pages = readPages(params.list("qPages").map(readPage));
    const cube = cubeAt(doc, object, params.text("qPath"));
    return { qDataPages: pages.map((page) => cutPage(cube, page)) };
  }),
  GetHyperCubeReducedData: method(
    ["qPath", "qPages", "qZoomFactor", "qReductionMode"],
    ({ params }, { doc, object }) => {
      const pages = readPages(params.list("qPages").map(readPage));
      const cube = cubeAt(doc, object, params.text("qPath"));
      const cut = params.text("qReductionMode") === "N" ? cutPage : cutReducedPage;
      return { qDataPages: pages.map((page) => cut(cube, page)) };
    },
  ),
  GetHyperCubeStackData: method(["qPath", "qPages", "qMaxNbrCells"], ({ params }, { doc, object }) => {
    const pages = readPages(params.list("qPages").map(readPage));
    const cube = cubeAt(doc, object, params.text("qPath"));
    return { qDataPages: pages.map((page) => cutStackPage(cube, page)) };
  }),
  GetListObjectData: method(["qPath", "qPages"], ({ params }, { doc, object }) => {
    const pages = readPages(params.list("qPages").map(readPage));
    const list = listAt(doc, object, params.text("qPath"));
    return { qDataPages: pages.map((page) => cutListPage(list, page)) };
  }),
};

/** Replaces the properties and marks the object, and every list of objects, as changed. */
function change(call: RpcCall, subject: ObjectSubject, properties: JsonObject): JsonObject {
  subject.doc.update(subject.object, properties);
  call.changed.add(call.session.handleOf({ type: "GenericObject", ...subject }));
  if (subject.object.stored) listsChanged(call);
  if (subject.doc.selection.modalObject === subject.object.id) dataChanged(call);
  return {};
}

function readPages(pages: readonly PageArea[]): readonly PageArea[] {
  if (isTooLarge(pages)) throw new RpcError(ERROR.pagesTooLarge, "qPages");
  return pages;
}
