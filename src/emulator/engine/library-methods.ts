import { applyPatches } from "./json-patch.ts";
import { objectLayout } from "./layout.ts";
import { dataChanged, listsChanged, method, type ObjectSubject, type RpcMethods } from "./rpc-call.ts";

/** The methods of library dimensions and measures. */
export const libraryMethods: RpcMethods<ObjectSubject> = {
  GetInfo: method([], (_, { object }) => ({ qInfo: object.info })),
  GetLayout: method([], (_, { doc, object }) => ({ qLayout: objectLayout(doc, object) })),
  GetProperties: method([], (_, { object }) => ({ qProp: object.properties })),
  GetDimension: method([], (_, { object }) => ({ qDim: object.properties["qDim"] })),
  GetMeasure: method([], (_, { object }) => ({ qMeasure: object.properties["qMeasure"] })),
  GetLinkedObjects: method([], () => ({ qItems: [] })),
  SetProperties: method(["qProp"], (call, { doc, object }) => {
    doc.update(object, call.params.object("qProp"));
    // Whatever uses the item shows something else now.
    dataChanged(call);
    listsChanged(call);
    return {};
  }),
  ApplyPatches: method(["qPatches"], (call, { doc, object }) => {
    doc.update(object, applyPatches(object.properties, call.params.list("qPatches")));
    dataChanged(call);
    listsChanged(call);
    return {};
  }),
};
