import { docMethods } from "./doc-methods.ts";
import type { EngineApps } from "./engine-apps.ts";
import type { EngineSession, SessionSocket, Target } from "./engine-session.ts";
import { fieldMethods } from "./field-methods.ts";
import { globalMethods } from "./global-methods.ts";
import { isObject, type Json, type JsonObject, toText } from "./json-value.ts";
import { libraryMethods } from "./library-methods.ts";
import { objectMethods } from "./object-methods.ts";
import type { RpcCall, RpcMethod, RpcMethods } from "./rpc-call.ts";
import { ERROR, RpcError } from "./rpc-error.ts";
import { RpcParams } from "./rpc-params.ts";

/** Handle of the methods that need no app. */
const GLOBAL_HANDLE = -1;

/** A method together with the thing it is called on. */
interface BoundMethod {
  readonly names: readonly string[];
  readonly run: (call: RpcCall) => JsonObject;
}

/** Answers one text frame of a client, and tells the other sockets of its session what changed. */
export function dispatch(
  text: string,
  place: { readonly session: EngineSession; readonly socket: SessionSocket; readonly apps: EngineApps },
): void {
  const { session, socket } = place;
  const changed = new Set<number>();
  const opened = new Set<number>();
  const closed = new Set<number>();
  const answer = respond(text, { ...place, changed, opened, closed }, (outcome) => {
    for (const handle of closed) changed.delete(handle);
    return JSON.stringify({ ...outcome, ...news(new Set([...changed, ...opened]), closed) });
  });
  socket.send(answer);
  if (changed.size + closed.size > 0) session.push({ jsonrpc: "2.0", ...news(changed, closed) }, socket);
}

/** The members that tell a client what to fetch again and what to forget. */
function news(changed: ReadonlySet<number>, closed: ReadonlySet<number>): JsonObject {
  return {
    ...(changed.size > 0 ? { change: [...changed] } : {}),
    ...(closed.size > 0 ? { close: [...closed] } : {}),
  };
}

function respond(
  text: string,
  context: Omit<RpcCall, "params">,
  write: (outcome: JsonObject) => string,
): string {
  let id: Json = null;
  try {
    const request = parseRequest(text);
    id = request["id"] ?? null;
    const bound = findMethod(request, context.session);
    const params = new RpcParams(bound.names, request["params"]);
    return write({ jsonrpc: "2.0", id, result: bound.run({ ...context, params }) });
  } catch (error) {
    const { code, parameter, message } = toRpcError(error);
    return write({ jsonrpc: "2.0", id, error: { code, parameter, message } });
  }
}

/** Whatever goes wrong is the caller's answer, e.g. properties nested too deep to walk through. */
function toRpcError(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError(ERROR.internalError, String(error));
}

function parseRequest(text: string): JsonObject {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    throw new RpcError(ERROR.parseError);
  }
  if (!isObject(request)) throw new RpcError(ERROR.invalidRequest);
  return request;
}

function findMethod(request: JsonObject, session: EngineSession): BoundMethod {
  const { handle, method } = request;
  const name = toText(method);
  if (name === "") throw new RpcError(ERROR.invalidRequest, "method");
  if (handle === undefined || handle === GLOBAL_HANDLE) return bind(globalMethods, name, undefined);
  const target = typeof handle === "number" ? session.target(handle) : undefined;
  if (target === undefined) throw new RpcError(ERROR.invalidHandleOrParameters, "Invalid handle");
  return bindTarget(target, name);
}

function bindTarget(target: Target, name: string): BoundMethod {
  switch (target.type) {
    case "Doc":
      return bind(docMethods, name, target.doc);
    case "Field":
      return bind(fieldMethods, name, target);
    case "GenericObject":
      return bind(objectMethods, name, target);
    default:
      return bind(libraryMethods, name, target);
  }
}

function bind<Subject>(methods: RpcMethods<Subject>, name: string, subject: Subject): BoundMethod {
  const found: RpcMethod<Subject> | undefined = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (found === undefined) throw new RpcError(ERROR.methodNotFound, name);
  return { names: found.names, run: (call) => found.run(call, subject) };
}
