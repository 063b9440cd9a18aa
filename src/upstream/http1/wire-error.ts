/** What went wrong on a connection; the reason that a log gives. */
export type WireErrorCode =
  /** The request has something in it that could be read in two ways; nothing of it was written. */
  | "HTTP1_REQUEST"
  /** The body is not as long as was said, or its source failed. */
  | "HTTP1_REQUEST_BODY"
  /** The connection was over before a byte of the answer; the request may not have been read. */
  | "HTTP1_CLOSED"
  /** The connection was over in the middle of the answer. */
  | "HTTP1_CUT"
  | "HTTP1_CONNECT_TIMEOUT"
  | "HTTP1_HEADERS_TIMEOUT"
  | "HTTP1_BODY_TIMEOUT"
  /** Bytes before there was a request for them to answer. */
  | "HTTP1_UNASKED"
  /** The head is no head of HTTP/1.1. */
  | "HTTP1_HEAD"
  | "HTTP1_HEAD_TOO_LARGE"
  /** Interim answers without end, or one that has a body. */
  | "HTTP1_INTERIM"
  /** A change of protocol that nobody asked for. */
  | "HTTP1_UPGRADE"
  /** Where the body ends is said twice, or not in a way that everybody reads alike. */
  | "HTTP1_FRAMING"
  | "HTTP1_CHUNK"
  | "HTTP1_TRAILER";

/** A connection that cannot go on. Says what is wrong in words of ours: bytes of the peer may hold secrets. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
