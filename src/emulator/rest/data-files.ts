import { emptyAnswer, jsonAnswer, notFoundAnswer, statusAnswer, type Answer } from "../answer.ts";
import type { DataFile } from "../data-files.ts";
import { readBody, type SignedInExchange } from "../exchange.ts";
import { randomHex } from "../random-values.ts";
import { rest, type Route } from "../router.ts";
import { pageOf } from "./paging.ts";

/** Requests a minute: facts §7. */
const PER_MINUTE = 800;

function fileBody(file: DataFile): Readonly<Record<string, unknown>> {
  return {
    id: file.id,
    name: file.name,
    baseName: file.name,
    ownerId: file.ownerId,
    size: file.content.length,
    createdDate: new Date(file.createdAt).toISOString(),
    modifiedDate: new Date(file.modifiedAt).toISOString(),
    contentUpdatedDate: new Date(file.modifiedAt).toISOString(),
    folder: false,
    folderStats: {},
    spaceId: null,
    actions: ["read", "update", "delete"],
  };
}

interface UploadedFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** Reads a multipart body: the part `File`, and the part `Json` with its name. */
async function readUpload(exchange: SignedInExchange): Promise<UploadedFile | undefined> {
  const contentType = exchange.request.headers["content-type"] ?? "";
  const bytes = await readBody(exchange);
  if (!contentType.startsWith("multipart/form-data")) return undefined;
  try {
    const form = await new Response(new Uint8Array(bytes), {
      headers: { "content-type": contentType },
    }).formData();
    const file = form.get("File");
    const json = form.get("Json");
    if (file === null || typeof file === "string") return undefined;
    const text = json === null || typeof json === "string" ? json : await json.text();
    const described: unknown = text === null ? {} : JSON.parse(text);
    const name = (described as { readonly name?: unknown } | null)?.name;
    return {
      name: typeof name === "string" ? name : file.name,
      content: new Uint8Array(await file.arrayBuffer()),
    };
  } catch {
    return undefined;
  }
}

async function store(exchange: SignedInExchange, known: DataFile | undefined): Promise<Answer> {
  const { tenant, session } = exchange;
  const upload = await readUpload(exchange);
  if (upload === undefined) return statusAnswer(400, "Bad request");
  const now = tenant.clock.now();
  const file: DataFile = {
    id: known?.id ?? randomHex(24),
    name: upload.name,
    ownerId: session.user.id,
    createdAt: known?.createdAt ?? now,
    modifiedAt: now,
    content: upload.content,
  };
  tenant.dataFiles.set(file.id, file);
  tenant.events.publish({
    operation: known === undefined ? "created" : "updated",
    origin: "data-files",
    resourceId: file.id,
    resourceType: "datafile",
  });
  return jsonAnswer(known === undefined ? 201 : 200, fileBody(file));
}

/** Someone's own file; those of others do not exist for them. */
function ownFile({ tenant, params, session }: SignedInExchange): DataFile | undefined {
  const file = tenant.dataFiles.get(params["id"] ?? "");
  return file?.ownerId === session.user.id ? file : undefined;
}

function list(exchange: SignedInExchange): Answer {
  const own = [...exchange.tenant.dataFiles.values()].filter(
    ({ ownerId }) => ownerId === exchange.session.user.id,
  );
  return jsonAnswer(200, pageOf(exchange, own.map(fileBody)));
}

function read(exchange: SignedInExchange): Answer {
  const file = ownFile(exchange);
  return file === undefined ? notFoundAnswer() : jsonAnswer(200, fileBody(file));
}

function replace(exchange: SignedInExchange): Answer | Promise<Answer> {
  const file = ownFile(exchange);
  return file === undefined ? notFoundAnswer() : store(exchange, file);
}

function remove(exchange: SignedInExchange): Answer {
  const file = ownFile(exchange);
  if (file === undefined) return notFoundAnswer();
  exchange.tenant.dataFiles.delete(file.id);
  return emptyAnswer(204);
}

/** Data files by multipart upload: facts §6.3. */
export const dataFileRoutes: readonly Route[] = [
  rest("GET /api/v1/data-files", list),
  rest("POST /api/v1/data-files", (exchange) => store(exchange, undefined), PER_MINUTE),
  rest("GET /api/v1/data-files/:id", read),
  rest("PUT /api/v1/data-files/:id", replace, PER_MINUTE),
  rest("DELETE /api/v1/data-files/:id", remove),
];
