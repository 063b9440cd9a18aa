import type { EngineApps } from "./engine-apps.ts";
import type { Doc } from "./doc.ts";
import type { EngineObject } from "./engine-object.ts";
import type { EngineSession, SessionSocket, Target } from "./engine-session.ts";
import type { JsonObject } from "./json-value.ts";
import type { RpcParams } from "./rpc-params.ts";

/** One call while it is answered. */
export interface RpcCall {
  readonly session: EngineSession;
  readonly socket: SessionSocket;
  readonly apps: EngineApps;
  readonly params: RpcParams;
  /** Handles whose layout is no longer what it was: every attached socket is told. */
  readonly changed: Set<number>;
  /** Handles whose layout is new to the caller: only the caller is told. */
  readonly opened: Set<number>;
  /** Handles that are gone. */
  readonly closed: Set<number>;
}

/** A method: the names of its parameters in order, and what answers it. */
export interface RpcMethod<Subject> {
  readonly names: readonly string[];
  readonly run: (call: RpcCall, subject: Subject) => JsonObject;
}

/** The methods of one kind of target, by name. */
export type RpcMethods<Subject> = Readonly<Record<string, RpcMethod<Subject>>>;

/** Declares a method. */
export function method<Subject>(
  names: readonly string[],
  run: (call: RpcCall, subject: Subject) => JsonObject,
): RpcMethod<Subject> {
  return { names, run };
}

/** An object together with the app it is in. */
export interface ObjectSubject {
  readonly doc: Doc;
  readonly object: EngineObject;
}

/** The `qReturn` that hands a thing to the client: its type, handle and id. */
export function reference(call: RpcCall, target: Target): JsonObject {
  const qHandle = call.session.handleOf(target);
  if (target.type === "Doc") return { qType: "Doc", qHandle, qGenericId: target.doc.appId };
  if (target.type === "Field") return { qType: "Field", qHandle, qGenericType: null, qGenericId: null };
  return { qType: target.type, qHandle, qGenericType: target.object.type, qGenericId: target.object.id };
}

/** The `qReturn` for a thing that does not exist. */
export const NOTHING: JsonObject = { qType: null, qHandle: null };

/** Members that make a layout depend on data and selections. */
const DATA_MEMBERS: ReadonlySet<string> = new Set([
  "qHyperCubeDef",
  "qListObjectDef",
  "qSelectionObjectDef",
  "qStringExpression",
  "qValueExpression",
]);

/** Members that make a layout depend on what is stored. */
const LIST_MEMBERS: ReadonlySet<string> = new Set([
  "qAppObjectListDef",
  "qDimensionListDef",
  "qMeasureListDef",
]);

/** Marks every object that shows data, selections or states as changed. */
export function dataChanged(call: RpcCall): void {
  markWhere(call, DATA_MEMBERS);
}

/** Marks every object that lists stored things as changed. */
export function listsChanged(call: RpcCall): void {
  markWhere(call, LIST_MEMBERS);
}

function markWhere(call: RpcCall, members: ReadonlySet<string>): void {
  const handles = call.session.handlesWhere(
    (target) => "object" in target && target.object.hasMember(members),
  );
  for (const handle of handles) call.changed.add(handle);
}
