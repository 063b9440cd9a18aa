import type { IncomingMessage } from "node:http";
import { Transform, type TransformCallback } from "node:stream";
import type { EmulatorClock } from "./clock.ts";
import { matches, type RequestMatch } from "./request-match.ts";

/** How many bytes of a body a recording keeps. */
const KEPT_BODY = 4096;

/** How many recordings are kept; the oldest go first. */
const KEPT_RECORDINGS = 10_000;

/** A request as it came over the wire. */
export interface Recording {
  /** Milliseconds since the Unix epoch, by the tenant's clock. */
  readonly at: number;
  readonly method: string;
  /** The request target, byte for byte. */
  readonly url: string;
  readonly httpVersion: string;
  /** The header lines in their order, names as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly upgrade: boolean;
  /** Address and port of the peer: equal for requests of one connection. */
  readonly peer: string;
  /** Subject of the session that the cookies name. */
  readonly subject: string | undefined;
  /** Which session, stable over cookie rotations. */
  readonly sessionId: string | undefined;
  /** Body bytes that have arrived so far. */
  readonly bodyBytes: number;
  /** The first 4096 of them. */
  readonly bodyStart: Buffer;
  /** Status of the answer; nothing if none was sent. */
  readonly status: number | undefined;
}

/** Which recordings are meant. */
export interface RecordingFilter extends RequestMatch {
  readonly upgrade?: boolean;
  readonly status?: number;
}

/** A recording while its request is handled. */
export interface OpenRecording {
  /** The request's body; handlers read this instead of the request. */
  readonly body: BodyTap;
  /** The path within the tenant, where it is below another: what filters go by. */
  setPath(path: string): void;
  setSession(session: { readonly id: string; readonly subject: string } | undefined): void;
  setStatus(status: number): void;
}

/** Passes a body on, counting it. */
export class BodyTap extends Transform {
  #bytes = 0;
  #start: Buffer[] = [];
  #kept = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get start(): Buffer {
    return Buffer.concat(this.#start);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#kept < KEPT_BODY) {
      const part = Buffer.from(chunk.subarray(0, KEPT_BODY - this.#kept));
      this.#start.push(part);
      this.#kept += part.length;
    }
    callback(null, chunk);
  }
}

/** What the tenant saw. */
export interface Recordings {
  /** Starts the recording of a request. */
  begin(request: IncomingMessage, upgrade: boolean): OpenRecording;
  list(filter?: RecordingFilter): readonly Recording[];
  /** Returns and removes. */
  take(filter?: RecordingFilter): readonly Recording[];
}

function headerPairs(raw: readonly string[]): readonly (readonly [string, string])[] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ""] as const] : []));
}

interface KeptRecording extends Recording {
  readonly path: string | undefined;
}

function isMeant(filter: RecordingFilter, recording: KeptRecording): boolean {
  const path = recording.path ?? recording.url.split("?", 1)[0] ?? "";
  const method = recording.upgrade ? "UPGRADE" : recording.method;
  if (filter.upgrade !== undefined && filter.upgrade !== recording.upgrade) return false;
  if (filter.status !== undefined && filter.status !== recording.status) return false;
  return matches(filter, { method, path, subject: recording.subject });
}

/** Creates an empty memory of requests. */
export function createRecordings(clock: EmulatorClock): Recordings {
  let kept: KeptRecording[] = [];
  const list = (filter: RecordingFilter = {}): KeptRecording[] =>
    kept.filter((each) => isMeant(filter, each));
  return {
    begin(request, upgrade) {
      const body = new BodyTap();
      const mutable: { path?: string; subject?: string; sessionId?: string; status?: number } = {};
      kept.push({
        at: clock.now(),
        method: request.method ?? "",
        url: request.url ?? "",
        httpVersion: request.httpVersion,
        headers: headerPairs(request.rawHeaders),
        upgrade,
        peer: `${request.socket.remoteAddress}:${request.socket.remotePort}`,
        get path() {
          return mutable.path;
        },
        get subject() {
          return mutable.subject;
        },
        get sessionId() {
          return mutable.sessionId;
        },
        get status() {
          return mutable.status;
        },
        get bodyBytes() {
          return body.bytes;
        },
        get bodyStart() {
          return body.start;
        },
      });
      if (kept.length > KEPT_RECORDINGS) kept.shift();
      return {
        body,
        setPath(path) {
          mutable.path = path;
        },
        setSession(session) {
          if (session === undefined) return;
          mutable.subject = session.subject;
          mutable.sessionId = session.id;
        },
        setStatus(status) {
          mutable.status = status;
        },
      };
    },
    list,
    take(filter) {
      const taken = new Set<KeptRecording>(list(filter));
      kept = kept.filter((each) => !taken.has(each));
      return [...taken];
    },
  };
}
