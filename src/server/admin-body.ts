import type { IncomingMessage } from "node:http";
import { readBody as readSmallBody } from "../http/read-body.ts";
import { AdminRefusal } from "./admin-answer.ts";

/** The largest body; an order has about 100 bytes. Bytes. product B5 */
const largest = 64 * 1024;

/** The longest a body may take, because nobody has to show who they are before it is here. Milliseconds; attacks B2 */
const longest = 10_000;

/** Reads a whole body. @throws AdminRefusal 413 or 408; rejects where the sender is gone */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return readSmallBody(request, { largest, longest, tooLarge, tooLong });
}

const tooLarge = (): AdminRefusal =>
  new AdminRefusal("QSP-TOO-LARGE", { detail: "a body has at most 64 KiB" });

const tooLong = (): AdminRefusal =>
  new AdminRefusal("QSP-TIMEOUT", { status: 408, detail: "the body took more than 10 seconds" });
