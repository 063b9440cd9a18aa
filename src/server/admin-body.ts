import type { IncomingMessage } from "node:http";
import { AdminRefusal } from "./admin-answer.ts";

/** The largest body; an order has about 100 bytes. Bytes. product B5 */
const largestBody = 64 * 1024;

/** The longest a body may take, because nobody has to show who they are before it is here. Milliseconds; attacks B2 */
const bodyTimeout = 10_000;

/** Reads a whole body. @throws AdminRefusal 413 or 408; rejects where the sender is gone */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      request.off("data", take).off("end", finish).off("error", fail).off("close", lose);
      request.on("error", () => {});
      end();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const lose = (): void => fail(new Error("the sender is gone"));
    const finish = (): void => settle(() => resolve(Buffer.concat(chunks)));
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > largestBody) fail(tooLarge());
    };
    const timer = setTimeout(
      () =>
        fail(new AdminRefusal("QSP-TIMEOUT", { status: 408, detail: "the body took more than 10 seconds" })),
      bodyTimeout,
    );
    if (Number(request.headers["content-length"] ?? 0) > largestBody) return fail(tooLarge());
    request.on("data", take).on("end", finish).on("error", fail).on("close", lose);
  });
}

const tooLarge = (): AdminRefusal =>
  new AdminRefusal("QSP-TOO-LARGE", { detail: "a body has at most 64 KiB" });
