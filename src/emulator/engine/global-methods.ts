import type { AppSummary } from "./engine-apps.ts";
import type { JsonObject } from "./json-value.ts";
import { method, reference, type RpcCall, type RpcMethods } from "./rpc-call.ts";
import { ERROR, RpcError } from "./rpc-error.ts";

/** The version of the engine interface that is spoken here. */
const ENGINE_VERSION = "12.2027.0";

/** The methods of handle -1. */
export const globalMethods: RpcMethods<undefined> = {
  OpenDoc: method(["qDocName", "qUserName", "qPassword", "qSerial", "qNoData"], openDoc),
  GetActiveDoc: method([], (call) => {
    const { doc } = call.session;
    if (doc === undefined) throw new RpcError(ERROR.notFound, "No active document");
    return { qReturn: reference(call, { type: "Doc", doc }) };
  }),
  GetDocList: method([], ({ apps, session }) => ({
    qDocList: apps.summariesFor(session.place.user).map(docListEntry),
  })),
  GetAppEntry: method(["qAppID"], ({ apps, params, session }) => {
    const id = params.text("qAppID");
    const entry = apps.summariesFor(session.place.user).find((app) => app.id === id);
    if (entry === undefined) throw new RpcError(ERROR.appNotFound, id);
    return { qEntry: { qID: id, qTitle: entry.name, qPath: "", qMeta: {}, qFileSize: entry.size } };
  }),
  EngineVersion: method([], () => ({ qVersion: { qComponentVersion: ENGINE_VERSION } })),
  ProductVersion: method([], () => ({ qReturn: ENGINE_VERSION })),
  QvVersion: method([], () => ({ qReturn: ENGINE_VERSION })),
  QTProduct: method([], () => ({ qReturn: "QIX" })),
  OSName: method([], () => ({ qReturn: "Linux" })),
  OSVersion: method([], () => ({ qReturn: "" })),
  IsDesktopMode: method([], () => ({ qReturn: false })),
  IsPersonalMode: method([], () => ({ qReturn: false })),
  AllowCreateApp: method([], () => ({ qReturn: false })),
  GetUniqueID: method([], () => ({ qUniqueID: crypto.randomUUID() })),
  GetAuthenticatedUser: method([], ({ session }) => ({ qReturn: session.place.user.subject })),
  GetStreamList: method([], () => ({ qStreamList: [] })),
  GetProgress: method(["qRequestId"], () => ({
    qProgressData: { qStarted: false, qFinished: true, qCompleted: 100, qTotal: 100, qKB: 0, qMillisecs: 0 },
  })),
  GetConfiguration: method([], () => ({
    qConfig: { qFeatures: { qIsDesktop: false }, qBrowserLocale: "en-US", qCollation: "en" },
  })),
  AbortRequest: method(["qRequestId"], () => ({})),
  AbortAll: method([], () => ({})),
  CancelRequest: method(["qRequestId"], () => ({})),
  EmulatorPushFrame: method(["size", "fragments"], pushFrame),
};

/**
 * Opens the app this session is for. Opening it again gives the same document; asking for another
 * app, or for the same one with or without its data, is an error (facts §5.4).
 */
function openDoc(call: RpcCall): JsonObject {
  const { session, apps, params } = call;
  const name = params.text("qDocName");
  const noData = params.flag("qNoData");
  if (session.doc !== undefined) {
    if (name !== session.doc.appId) throw new RpcError(ERROR.appAlreadyOpen, name);
    if (noData !== session.doc.noData) throw new RpcError(ERROR.appOpenInDifferentMode, name);
  } else {
    if (session.place.appId === "" || name !== session.place.appId)
      throw new RpcError(ERROR.appNotFound, name);
    session.doc = apps.open(session.place, noData);
  }
  const { doc } = session;
  const qReturn = reference(call, { type: "Doc", doc });
  call.opened.add(session.handleOf({ type: "Doc", doc }));
  return { qReturn };
}

function docListEntry(app: AppSummary): JsonObject {
  return {
    qDocName: app.name,
    qDocId: app.id,
    qTitle: app.name,
    qMeta: { description: app.description },
    qLastReloadTime: app.lastReload,
    qFileSize: app.size,
    qReadOnly: true,
    qHasSectionAccess: false,
  };
}

/** The longest frame that `EmulatorPushFrame` sends: 256 MB. */
const LONGEST_PUSH = 268_435_456;

/**
 * Pushes one text message of exactly `size` bytes to the caller, cut into `fragments` frames
 * (1 by default), before it answers. No engine has it: it shows what large frames do on their way.
 */
function pushFrame({ params, socket }: RpcCall): JsonObject {
  const [start, end] = ['{"jsonrpc":"2.0","method":"OnEmulatorFrame","params":{"filling":"', '"}}'];
  const size = params.number("size");
  if (size < start.length + end.length || size > LONGEST_PUSH)
    throw new RpcError(ERROR.invalidParameters, "size");
  const text = start + "q".repeat(size - start.length - end.length) + end;
  socket.sendFragmented(text, Math.max(1, params.number("fragments", 1)));
  return { qReturn: size };
}
