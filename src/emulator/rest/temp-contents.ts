import { createHash } from "node:crypto";
import {
  emptyAnswer,
  errorAnswer,
  jsonAnswer,
  notFoundAnswer,
  statusAnswer,
  type Answer,
  type HeaderLine,
} from "../answer.ts";
import { readBody, type SignedInExchange } from "../exchange.ts";
import { rest, type Route } from "../router.ts";
import { bytesOf, type TempContent } from "../temp-contents.ts";
import { parseRange } from "./byte-range.ts";
import { tusRoutes } from "./tus.ts";

function etagOf(content: TempContent): string {
  return `"${createHash("sha256").update(`${content.id} ${content.bytes.size}`).digest("hex").slice(0, 32)}"`;
}

/** Tells whether `If-Range` still names this content; without the header it does. */
function isSameVersion(content: TempContent, ifRange: string | string[] | undefined): boolean {
  if (ifRange === undefined) return true;
  const modified = Math.floor(content.createdAt / 1000) * 1000;
  return ifRange === etagOf(content) || Date.parse(String(ifRange)) === modified;
}

/** Quotes a file name for `Content-Disposition`: RFC 6266 §4.3. */
function disposition(content: TempContent, inline: boolean): string {
  const plain = content.name.replaceAll(/[^\x20-\x7e]|["\\]/g, "_");
  const encoded = encodeURIComponent(content.name).replaceAll("'", "%27");
  return `${inline ? "inline" : "attachment"}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Sends a content, whole or a range of it: 200, 206, 416 (facts §6.3). */
function download(exchange: SignedInExchange): Answer {
  const { request, query, tenant, params } = exchange;
  const content = tenant.tempContents.find(params["id"] ?? "");
  if (content === "unknown") return notFoundAnswer();
  if (content === "gone") return errorAnswer(410, { code: "HTTP-410", title: "Gone" });
  const { size } = content.bytes;
  const headers: HeaderLine[] = [
    ["Content-Type", content.contentType],
    ["Content-Disposition", disposition(content, query.get("inline") === "1")],
    ["Accept-Ranges", "bytes"],
    ["ETag", etagOf(content)],
    ["Last-Modified", new Date(content.createdAt).toUTCString()],
    ["Cache-Control", "private"],
  ];
  const wanted = isSameVersion(content, request.headers["if-range"]) ? request.headers.range : undefined;
  const range = parseRange(wanted, size);
  if (range === "unsatisfiable") {
    const answer = statusAnswer(416, "Range not satisfiable");
    return { ...answer, headers: [...(answer.headers ?? []), ["Content-Range", `bytes */${size}`]] };
  }
  const { start, end } = range ?? { start: 0, end: size };
  headers.push(["Content-Length", String(end - start)]);
  if (range !== undefined) headers.push(["Content-Range", `bytes ${start}-${end - 1}/${size}`]);
  return { status: range === undefined ? 200 : 206, headers, body: content.bytes.read(start, end) };
}

async function upload(exchange: SignedInExchange): Promise<Answer> {
  const { tenant, session, query } = exchange;
  const ttl = Number(query.get("ttl") ?? 3600);
  const name = query.get("filename") ?? "content.bin";
  if (!(ttl > 0) || name.includes("/")) return statusAnswer(400, "Bad request");
  const content = tenant.tempContents.add({
    name,
    creatorId: session.user.id,
    ttlSeconds: ttl,
    bytes: bytesOf(await readBody(exchange)),
  });
  return emptyAnswer(201, [["Location", `${tenant.address}/api/v1/temp-contents/${content.id}`]]);
}

function details({ tenant, params }: SignedInExchange): Answer {
  const content = tenant.tempContents.find(params["id"] ?? "");
  if (content === "unknown") return notFoundAnswer();
  if (content === "gone") return errorAnswer(410, { code: "HTTP-410", title: "Gone" });
  return jsonAnswer(200, {
    ID: content.id,
    Name: content.name,
    CreatorID: content.creatorId,
    CreatedAt: new Date(content.createdAt).toISOString(),
    UpdatedAt: new Date(content.createdAt).toISOString(),
    Expires: new Date(content.createdAt + content.ttlSeconds * 1000).toISOString(),
    Size: String(content.bytes.size),
    TTLSeconds: content.ttlSeconds,
  });
}

/** Temporary contents: uploads of both kinds, downloads with ranges. */
export const tempContentRoutes: readonly Route[] = [
  ...tusRoutes,
  rest("POST /api/v1/temp-contents", upload),
  rest("GET /api/v1/temp-contents/:id", download),
  rest("GET /api/v1/temp-contents/:id/details", details),
];
