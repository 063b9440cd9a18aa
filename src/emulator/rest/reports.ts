import { jsonAnswer, notFoundAnswer, statusAnswer, type Answer } from "../answer.ts";
import { readJsonObject, type SignedInExchange } from "../exchange.ts";
import { randomHex } from "../random-values.ts";
import type { Report } from "../reports.ts";
import { rest, type Route } from "../router.ts";
import { bytesOf } from "../temp-contents.ts";
import { pageOf } from "./paging.ts";
import { visibleApps } from "../visible-apps.ts";

/** Requests a minute: facts §6.3. */
const PER_MINUTE = 10;

/** How long a report is in the works. Milliseconds by the tenant's clock. */
const PRODUCTION = 200;

const TITLE = "Report of the local tenant";

/** Makes a one-page PDF: the file format's own minimum, offsets counted. */
function makePdf(lines: readonly string[]): Buffer {
  const escape = (line: string): string =>
    line.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/[\\()]/g, (character) => `\\${character}`);
  const text = lines.map((line) => `(${escape(line)}) Tj T*`).join(" ");
  const drawing = `BT /F1 12 Tf 14 TL 50 790 Td ${text} ET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  let file = "%PDF-1.4\n";
  const offsets = objects.map((body, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${body}\nendobj\n`;
    return String(offset).padStart(10, "0");
  });
  const table = offsets.map((offset) => `${offset} 00000 n \n`).join("");
  const size = objects.length + 1;
  return Buffer.from(
    `${file}xref\n0 ${size}\n0000000000 65535 f \n${table}` +
      `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`,
    "latin1",
  );
}

async function create(exchange: SignedInExchange): Promise<Answer> {
  const { tenant, session } = exchange;
  const request = await readJsonObject(exchange);
  if (request === undefined || typeof request["type"] !== "string") return statusAnswer(400, "Bad request");
  const id = randomHex(24);
  const apps = visibleApps(tenant, session.user);
  const pdf = makePdf([TITLE, `Type: ${request["type"]}`, ...apps.map((app) => `App: ${app.name}`)]);
  const content = tenant.tempContents.add({
    name: "report.pdf",
    creatorId: session.user.id,
    bytes: bytesOf(pdf),
  });
  const report: Report = {
    id,
    ownerId: session.user.id,
    requestedAt: tenant.clock.now(),
    outputs: [{ id: randomHex(24), contentId: content.id, size: pdf.length }],
  };
  tenant.reports.set(id, report);
  return jsonAnswer(
    202,
    {
      requestId: id,
      message: "Report request accepted",
      outputsUrl: `${tenant.addressWithPort}/api/v1/reports/${id}/outputs`,
    },
    [["Location", `${tenant.access.base}/api/v1/reports/${id}/status`]],
  );
}

function ownReport({ tenant, params, session }: SignedInExchange): Report | undefined {
  const report = tenant.reports.get(params["id"] ?? "");
  return report?.ownerId === session.user.id ? report : undefined;
}

function isDone({ tenant }: SignedInExchange, report: Report): boolean {
  return tenant.clock.now() >= report.requestedAt + PRODUCTION;
}

/** The address of an output: absolute, with the port spelled out, as in the vendor's examples (facts §6.3). */
function location({ tenant }: SignedInExchange, contentId: string): string {
  return `${tenant.addressWithPort}/api/v1/temp-contents/${contentId}?inline=1`;
}

function status(exchange: SignedInExchange): Answer {
  const report = ownReport(exchange);
  if (report === undefined) return notFoundAnswer();
  const done = isDone(exchange, report);
  return jsonAnswer(200, {
    status: done ? "done" : "processing",
    resolutionAttempts: 1,
    statusLocation: `/reports/${report.id}/status`,
    ...(done
      ? { results: report.outputs.map((output) => ({ location: location(exchange, output.contentId) })) }
      : {}),
  });
}

function outputs(exchange: SignedInExchange): Answer {
  const report = ownReport(exchange);
  if (report === undefined) return notFoundAnswer();
  const ready = isDone(exchange, report) ? report.outputs : [];
  const list = ready.map((output) => ({
    outputId: output.id,
    location: location(exchange, output.contentId),
    sizeBytes: output.size,
    status: "done",
  }));
  return jsonAnswer(200, pageOf(exchange, list));
}

/** Reports: asked for, polled, fetched (facts §6.3). */
export const reportRoutes: readonly Route[] = [
  rest("POST /api/v1/reports", create, PER_MINUTE),
  rest("GET /api/v1/reports/:id/status", status),
  rest("GET /api/v1/reports/:id/outputs", outputs),
];
