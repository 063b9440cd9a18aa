import type { IncomingMessage } from "node:http";

/** How much of a body is read, for how long, and what is thrown beyond that. */
export interface BodyLimits {
  /** Bytes. */
  readonly largest: number;
  /** Milliseconds. */
  readonly longest: number;
  readonly tooLarge: () => Error;
  readonly tooLong: () => Error;
}

/** Reads a whole body that is small; rejects as the limits say, and where the sender is gone. attacks B2 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { largest, longest, tooLarge, tooLong } = limits;
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
      if (size > largest) fail(tooLarge());
    };
    const timer = setTimeout(() => fail(tooLong()), longest);
    if (Number(request.headers["content-length"] ?? 0) > largest) return fail(tooLarge());
    request.on("data", take).on("end", finish).on("error", fail).on("close", lose);
  });
}
