import type { SessionProxyError } from "../errors.ts";

/** A request as it goes to the tenant. */
export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly path: string;
  /** Names and values in turn, without framing; the length stands in `contentLength`. */
  readonly headers: readonly string[];
  readonly body: AsyncIterable<Buffer> | null;
  /** Bytes of the body where they are known; otherwise the body is sent in chunks. */
  readonly contentLength: number | undefined;
}

/** Hears what the tenant answers. Exactly one of `finished` and `failed` is called, last. */
export interface UpstreamListener {
  /** Called when the request waits for a connection, and again when it has one; `abort` ends it from our side. */
  started(abort: () => void): void;
  /** `resume` goes on after `data` or this returned false. */
  head(status: number, headers: string[], resume: () => void): boolean;
  data(chunk: Buffer): boolean;
  finished(): void;
  failed(error: SessionProxyError): void;
}
