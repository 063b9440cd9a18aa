import type { EmulatorClock } from "./clock.ts";
import { randomHex } from "./random-values.ts";

/** Time to live in seconds: facts §6.3. */
const DEFAULT_TTL = 3600;
const MAX_TTL = 259_200;

/** Bytes of a generated content are sent in pieces of this size. */
const CHUNK = 65_536;

/** Content that can be read from any offset. */
export interface ContentBytes {
  readonly size: number;
  /** Reads from `start` to before `end`. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** A temporary content. */
export interface TempContent {
  /** 24 hexadecimal characters. */
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly creatorId: string;
  readonly createdAt: number;
  readonly ttlSeconds: number;
  readonly bytes: ContentBytes;
}

/** What a new temporary content is made of. */
export interface NewTempContent {
  readonly name?: string;
  /** By the name's extension if left out. */
  readonly contentType?: string;
  readonly creatorId?: string;
  /** Seconds; 3600 by default, at most 259200. */
  readonly ttlSeconds?: number;
  readonly bytes: ContentBytes;
}

/** The temporary contents of the tenant. */
export interface TempContents {
  add(content: NewTempContent): TempContent;
  /** `gone` after its time to live, `unknown` if it never was. */
  find(id: string): TempContent | "gone" | "unknown";
  readonly uploads: Uploads;
}

/** A resumable upload (TUS 1.0.0). */
export interface Upload {
  readonly id: string;
  readonly length: number;
  readonly name: string;
  readonly ttlSeconds: number;
  readonly creatorId: string;
  readonly chunks: Uint8Array[];
  offset: number;
}

/** Uploads that are not complete yet, by id. */
export type Uploads = Map<string, Upload>;

const contentTypes: Readonly<Record<string, string>> = {
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};

/** Makes content of bytes that are in memory. */
export function bytesOf(data: Uint8Array): ContentBytes {
  return {
    size: data.length,
    async *read(start, end) {
      for (let from = start; from < end; from += CHUNK)
        yield data.subarray(from, Math.min(end, from + CHUNK));
    },
  };
}

/** Makes content of any size that takes no memory: byte n is n modulo 251, a prime, so that a shift shows. */
export function generatedBytes(size: number): ContentBytes {
  const pattern = Buffer.from(Array.from({ length: CHUNK + 251 }, (_, index) => index % 251));
  return {
    size,
    async *read(start, end) {
      for (let from = start; from < end; from += CHUNK)
        yield pattern.subarray(from % 251, (from % 251) + Math.min(CHUNK, end - from));
    },
  };
}

/** Creates an empty store of temporary contents. */
export function createTempContents(clock: EmulatorClock): TempContents {
  const contents = new Map<string, TempContent>();
  return {
    uploads: new Map(),
    add(given) {
      const name = given.name ?? "content.bin";
      const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
      const content: TempContent = {
        id: randomHex(24),
        name,
        contentType: given.contentType ?? contentTypes[extension] ?? "application/octet-stream",
        creatorId: given.creatorId ?? "",
        createdAt: clock.now(),
        ttlSeconds: Math.min(given.ttlSeconds ?? DEFAULT_TTL, MAX_TTL),
        bytes: given.bytes,
      };
      contents.set(content.id, content);
      return content;
    },
    find(id) {
      const content = contents.get(id);
      if (content === undefined) return "unknown";
      return clock.now() >= content.createdAt + content.ttlSeconds * 1000 ? "gone" : content;
    },
  };
}
