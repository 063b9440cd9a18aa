import type { RawHeaders } from "./raw-headers.ts";

/** What the headers of a request say of where it comes from and how it is framed. */
export interface SiteHeaders {
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly fetchSites: readonly string[];
  readonly codings: readonly string[];
  /** The first of each. */
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
  readonly referer: string | undefined;
  readonly preflightMethod: string | undefined;
  readonly hasCookie: boolean;
  /** Whether it says to come from the making of a service worker. */
  readonly isServiceWorker: boolean;
}

/** What is being read. */
type Reading = {
  -readonly [K in keyof SiteHeaders]: SiteHeaders[K] extends readonly string[] ? string[] : SiteHeaders[K];
};

type Reader = (headers: Reading, value: string) => unknown;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["host", (headers, value) => headers.hosts.push(value)],
  ["origin", (headers, value) => headers.origins.push(value)],
  ["sec-fetch-site", (headers, value) => headers.fetchSites.push(value)],
  ["transfer-encoding", (headers, value) => headers.codings.push(value)],
  ["sec-fetch-mode", (headers, value) => (headers.fetchMode ??= value)],
  ["sec-fetch-dest", (headers, value) => (headers.fetchDest ??= value)],
  ["referer", (headers, value) => (headers.referer ??= value)],
  ["access-control-request-method", (headers, value) => (headers.preflightMethod ??= value)],
  ["cookie", (headers) => (headers.hasCookie = true)],
  ["service-worker", (headers) => (headers.isServiceWorker = true)],
]);

const lengths: ReadonlySet<number> = new Set([...readers.keys()].map(({ length }) => length));

/** Reads them in one go. Earned by: bench 200B, beside a search for each. */
export function readSiteHeaders(raw: RawHeaders): SiteHeaders {
  const headers: Reading = {
    hosts: [],
    origins: [],
    fetchSites: [],
    codings: [],
    fetchMode: undefined,
    fetchDest: undefined,
    referer: undefined,
    preflightMethod: undefined,
    hasCookie: false,
    isServiceWorker: false,
  };
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (lengths.has(name.length)) readers.get(name.toLowerCase())?.(headers, raw[i + 1] as string);
  }
  return headers;
}
