import { emptyAnswer, notFoundAnswer, statusAnswer, type Answer, type HeaderLine } from "../answer.ts";
import type { SignedInExchange } from "../exchange.ts";
import { randomHex } from "../random-values.ts";
import { open, rest, type Route } from "../router.ts";
import { bytesOf, type Upload } from "../temp-contents.ts";

/** Version of the protocol: facts §6.3. */
const VERSION: HeaderLine = ["Tus-Resumable", "1.0.0"];

/** Requests a minute on the upload paths: facts §7. */
const PER_MINUTE = 800;

const PATH = "/api/v1/temp-contents/files";

function withVersion(answer: Answer): Answer {
  return { ...answer, headers: [...(answer.headers ?? []), VERSION] };
}

function speaksTus({ request }: SignedInExchange): boolean {
  return request.headers["tus-resumable"] === VERSION[1];
}

function readMetadata(header: string | string[] | undefined): ReadonlyMap<string, string> {
  return new Map(
    String(header ?? "")
      .split(",")
      .map((pair) => pair.trim().split(" "))
      .map(([key = "", value = ""]) => [key, Buffer.from(value, "base64").toString("utf8")]),
  );
}

function create(exchange: SignedInExchange): Answer {
  const { tenant, session, request } = exchange;
  if (!speaksTus(exchange)) return withVersion(statusAnswer(412, "Precondition failed"));
  const length = Number(request.headers["upload-length"]);
  if (!Number.isSafeInteger(length) || length < 0) return withVersion(statusAnswer(400, "Bad request"));
  const metadata = readMetadata(request.headers["upload-metadata"]);
  const upload: Upload = {
    id: randomHex(24),
    length,
    name: metadata.get("filename") ?? "content.bin",
    ttlSeconds: Number(metadata.get("ttl") ?? 3600),
    creatorId: session.user.id,
    chunks: [],
    offset: 0,
  };
  tenant.tempContents.uploads.set(upload.id, upload);
  return emptyAnswer(201, [["Location", `${tenant.address}${PATH}/${upload.id}`], VERSION]);
}

function findUpload({ tenant, params, session }: SignedInExchange): Upload | undefined {
  const upload = tenant.tempContents.uploads.get(params["id"] ?? "");
  return upload?.creatorId === session.user.id ? upload : undefined;
}

function status(exchange: SignedInExchange): Answer {
  const upload = findUpload(exchange);
  if (upload === undefined) return withVersion(notFoundAnswer());
  return emptyAnswer(200, [
    ["Upload-Offset", String(upload.offset)],
    ["Upload-Length", String(upload.length)],
    ["Cache-Control", "no-store"],
    VERSION,
  ]);
}

/** Takes a piece; what arrived of an interrupted one stays. */
async function append(exchange: SignedInExchange): Promise<Answer> {
  const { tenant, request, body } = exchange;
  const upload = findUpload(exchange);
  if (upload === undefined) return withVersion(notFoundAnswer());
  if (!speaksTus(exchange)) return withVersion(statusAnswer(412, "Precondition failed"));
  if (request.headers["content-type"] !== "application/offset+octet-stream")
    return withVersion(statusAnswer(415, "Unsupported media type"));
  if (Number(request.headers["upload-offset"]) !== upload.offset)
    return withVersion(statusAnswer(409, "Conflict"));
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (upload.offset + chunk.length > upload.length)
      return withVersion(statusAnswer(413, "Content too large"));
    upload.chunks.push(chunk);
    upload.offset += chunk.length;
  }
  const headers: HeaderLine[] = [["Upload-Offset", String(upload.offset)], VERSION];
  if (upload.offset === upload.length) {
    const content = tenant.tempContents.add({
      name: upload.name,
      creatorId: upload.creatorId,
      ttlSeconds: upload.ttlSeconds,
      bytes: bytesOf(Buffer.concat(upload.chunks)),
    });
    headers.push(["Content-Location", `${tenant.address}/api/v1/temp-contents/${content.id}`]);
  }
  return emptyAnswer(204, headers);
}

function options(): Answer {
  return emptyAnswer(204, [VERSION, ["Tus-Version", "1.0.0"], ["Tus-Extension", "creation"]]);
}

/** Resumable uploads: TUS 1.0.0 with the extension `creation` (facts §6.3). */
export const tusRoutes: readonly Route[] = [
  open(`OPTIONS ${PATH}`, options),
  rest(`POST ${PATH}`, create, PER_MINUTE),
  rest(`HEAD ${PATH}/:id`, status),
  rest(`PATCH ${PATH}/:id`, append, PER_MINUTE),
];
