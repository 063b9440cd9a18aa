import { Transform, type TransformCallback, type Readable, type Writable } from "node:stream";
import * as zlib from "node:zlib";
import { createLinkRewriter, type LinkRewriter } from "../http/json-links.ts";

/** How a body is rewritten. */
export interface BodyRewriteOptions {
  readonly tenantOrigin: string;
  readonly publicBase: string;
  /** "gzip", "br", or anything else for plain bytes. */
  readonly coding: string | undefined;
  /** Further members whose values are links, as report outputs are. */
  readonly members: ReadonlySet<string>;
}

/** A rewrite of plain bytes, which gives them at once; or both ends of one that takes its time. */
export type BodyRewrite = LinkRewriter | BodyPipe;

/** The tenant's bytes go in, the browser's come out. */
export interface BodyPipe {
  readonly input: Writable;
  readonly output: Readable;
}

/** A body that grows more than this when decoded is no analytics answer. rules R6 */
const largestExpansion = 200;

/** Small bodies may expand as they like: a repetitive page of items compresses well. Bytes. */
const expansionFrom = 1024 * 1024;

/** Rewrites links in a JSON body while it streams; compressed bodies are opened and closed again. rules R6 */
export function createBodyRewrite(options: BodyRewriteOptions): BodyRewrite {
  const rewriter = createLinkRewriter(options);
  const coding = options.coding?.trim().toLowerCase();
  // Earned by: bench 10KB-json, beside a stream around it.
  if (coding !== "gzip" && coding !== "br") return rewriter;
  const links = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      done(null, rewriter.write(chunk));
    },
    flush(done: TransformCallback) {
      done(null, rewriter.end());
    },
  });
  const decoder = coding === "gzip" ? zlib.createGunzip() : zlib.createBrotliDecompress();
  const encoder =
    coding === "gzip"
      ? zlib.createGzip({ level: zlib.constants.Z_BEST_SPEED })
      : zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } });
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
