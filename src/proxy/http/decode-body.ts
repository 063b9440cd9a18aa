import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { firstHeader, type RawHeaders } from "../../http/raw-headers.ts";

/** A small body may not grow beyond this when it is opened. Bytes. */
const largest = 64 * 1024;

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const unbrotli = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);

/** Opens a copy of a small body; one that cannot be opened is empty. */
export async function decodeSmallBody(body: Buffer, headers: RawHeaders): Promise<Buffer> {
  const coding = firstHeader(headers, "content-encoding")?.trim().toLowerCase() ?? "identity";
  try {
    if (coding === "gzip") return await gunzip(body, { maxOutputLength: largest });
    if (coding === "br") return await unbrotli(body, { maxOutputLength: largest });
    return coding === "identity" ? body : Buffer.alloc(0);
  } catch {
    return Buffer.alloc(0);
  }
}
