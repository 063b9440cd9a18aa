import type { Cube } from "./cube.ts";
import type { Doc } from "./doc.ts";
import type { EngineObject } from "./engine-object.ts";
import { computeCube } from "./hypercube.ts";
import { atPointer, isObject, type JsonObject } from "./json-value.ts";
import { computeListObject, type ListObject } from "./list-object.ts";
import { ERROR, RpcError } from "./rpc-error.ts";

/** The hypercube that the definition at `path` gives now; computed once per state of selections and properties. */
export function cubeAt(doc: Doc, object: EngineObject, path: string): Cube {
  const definition = definitionAt(object, path, "qHyperCubeDef");
  const isModal = doc.selection.modalObject === object.id;
  const stamp = `${doc.selection.version} ${doc.libraryRevision} ${object.revision} ${isModal}`;
  const known = object.cubes.get(path);
  if (known?.stamp === stamp) return known.cube;
  const cube = computeCube(definition, {
    table: doc.table,
    rows: doc.selection.shownIn(object.id).rows,
    association: doc.selection.association,
    library: doc.library,
  });
  object.cubes.set(path, { stamp, cube });
  return cube;
}

/** The list object that the definition at `path` gives now. */
export function listAt(doc: Doc, object: EngineObject, path: string): ListObject {
  const definition = definitionAt(object, path, "qListObjectDef");
  const { table, library } = doc;
  const { association } = doc.selection;
  const sortedBy = doc.selection.shownIn(object.id);
  return computeListObject(definition, { table, association, sortedBy, library }, object.searches.get(path));
}

/** True when the path leads to a list object and not to a hypercube. */
export function isListPath(path: string): boolean {
  return path.endsWith("/qListObjectDef");
}

function definitionAt(object: EngineObject, path: string, member: string): JsonObject {
  const definition = atPointer(object.effectiveProperties, path);
  if (!path.endsWith(`/${member}`) || !isObject(definition))
    throw new RpcError(ERROR.invalidParameters, path);
  return definition;
}
