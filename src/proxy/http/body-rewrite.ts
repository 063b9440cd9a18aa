import { Transform, type TransformCallback, type Readable, type Writable } from "node:stream";
import * as zlib from "node:zlib";
import { createLinkRewriter, type LinkRewriter } from "../../http/json-links.ts";
import { rewriteWholeBody } from "../../http/json-links-whole.ts";

/** How a body is rewritten. */
export interface BodyRewriteOptions {
  readonly tenantOrigin: string;
  /** Path at that origin below which the tenant is; "" by default. */
  readonly tenantBase?: string;
  readonly publicBase: string;
  /** "gzip", "br", or anything else for plain bytes. */
  readonly coding: string | undefined;
  /** Further members whose values are links, as report outputs are. */
  readonly members: ReadonlySet<string>;
}

/** How one body is rewritten: as a whole where it is small, on its way where it is not. */
export interface BodyRewrite {
  /**
   * Rewrites a body of at most {@link mostHeld} bytes; where it holds no link, those are its very bytes. Null where it is
   * large when it is decoded. @throws where it cannot be decoded
   */
  whole(body: Buffer): Buffer | null;
  /** Plain bytes are given at once; both ends of a pipe where it takes its time. */
  stream(): LinkRewriter | BodyPipe;
}

/** The tenant's bytes go in, the browser's come out. */
export interface BodyPipe {
  readonly input: Writable;
  readonly output: Readable;
}

/** A body that grows more than this when decoded is no analytics answer. rules R6 */
const largestExpansion = 200;

/** Small bodies may expand as they like: a repetitive page of items compresses well. Bytes. */
const expansionFrom = 1024 * 1024;

/** What is held of a body until it is known to be small. Bytes */
export const mostHeld: number = 32 * 1024;

/** And what it may be when it is decoded, which is done between two events: more would keep the others waiting. Bytes */
const mostDecoded = 128 * 1024;

const brotliQuality = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } };
const fastGzip = { level: zlib.constants.Z_BEST_SPEED };

/** What opens and closes a coding, at once and as streams. */
interface Coding {
  decode(coded: Buffer, options: { readonly maxOutputLength: number }): Buffer;
  encode(plain: Buffer): Buffer;
  decoder(): zlib.Gunzip | zlib.BrotliDecompress;
  encoder(): zlib.Gzip | zlib.BrotliCompress;
}

const codings: Readonly<Record<"gzip" | "br", Coding>> = {
  gzip: {
    decode: zlib.gunzipSync,
    encode: (plain: Buffer) => zlib.gzipSync(plain, fastGzip),
    decoder: () => zlib.createGunzip(),
    encoder: () => zlib.createGzip(fastGzip),
  },
  br: {
    decode: zlib.brotliDecompressSync,
    encode: (plain: Buffer) => zlib.brotliCompressSync(plain, brotliQuality),
    decoder: () => zlib.createBrotliDecompress(),
    encoder: () => zlib.createBrotliCompress(brotliQuality),
  },
};

/**
 * Rewrites the links of a JSON body; compressed bodies are opened and closed again. rules R6
 *
 * Earned by: bench 10KB-json. Most answers of the interface are small, and streams around one cost more than all the rest of
 * its way.
 */
export function createBodyRewrite(options: BodyRewriteOptions): BodyRewrite {
  const coding = options.coding?.trim().toLowerCase();
  if (coding !== "gzip" && coding !== "br") {
    return { whole: (body) => rewriteWholeBody(body, options), stream: () => createLinkRewriter(options) };
  }
  return {
    whole: (body) => rewriteCoded(body, codings[coding], options),
    stream: () => pipeThrough(codings[coding], createLinkRewriter(options)),
  };
}

function rewriteCoded(body: Buffer, coding: Coding, options: BodyRewriteOptions): Buffer | null {
  if (body.length === 0) return body;
  const plain = decodeSmall(body, coding);
  if (plain === null) return null;
  const rewritten = rewriteWholeBody(plain, options);
  return rewritten === plain ? body : coding.encode(rewritten);
}

function decodeSmall(body: Buffer, { decode }: Coding): Buffer | null {
  try {
    return decode(body, { maxOutputLength: mostDecoded });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return null;
    throw error;
  }
}

function pipeThrough(coding: Coding, rewriter: LinkRewriter): BodyPipe {
  const links = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      done(null, rewriter.write(chunk));
    },
    flush(done: TransformCallback) {
      done(null, rewriter.end());
    },
  });
  const decoder = coding.decoder();
  const encoder = coding.encoder();
  const stages = [decoder, expansionGuard(decoder), links, encoder];
  for (const [index, stage] of stages.entries()) {
    stage.on("error", (error) => {
      for (const other of stages) if (other !== stage) other.destroy(other === encoder ? error : undefined);
    });
    const following = stages[index + 1];
    if (following) stage.pipe(following);
  }
  return { input: decoder, output: encoder };
}

function expansionGuard(decoder: zlib.Gunzip | zlib.BrotliDecompress): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      size += chunk.length;
      const tooLarge = size > expansionFrom && size > decoder.bytesWritten * largestExpansion;
      if (tooLarge) done(new Error("the body expands too much"));
      else done(null, chunk);
    },
  });
}
