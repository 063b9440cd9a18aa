import type { Tenant } from "../local-tenant.ts";

/** Page sizes: facts §4. */
const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** What decides over a page: the addresses of the tenant, the path of the list, and the query. */
export interface PageRequest {
  readonly tenant: Pick<Tenant, "address" | "addressWithPort">;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** One page of a list, with absolute links that clients follow as they are (facts §6.3). */
export interface Page<T> {
  readonly data: readonly T[];
  readonly links: Readonly<Record<string, { readonly href: string }>>;
}

function readCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  const offset = Number(Buffer.from(cursor, "base64url").toString("utf8"));
  return Number.isSafeInteger(offset) && offset >= 0 ? offset : 0;
}

function readLimit(given: string | null): number {
  const limit = Number(given ?? DEFAULT_LIMIT);
  return Number.isSafeInteger(limit) && limit > 0 ? Math.min(limit, MAX_LIMIT) : DEFAULT_LIMIT;
}

/** Cuts the page that the query asks for by `limit` and `page`. */
export function pageOf<T>({ tenant, path, query }: PageRequest, all: readonly T[]): Page<T> {
  const limit = readLimit(query.get("limit"));
  const offset = readCursor(query.get("page"));
  const link = (origin: string, from: number): { readonly href: string } => {
    const parameters = new URLSearchParams(query);
    if (from > 0) parameters.set("page", Buffer.from(String(from)).toString("base64url"));
    else parameters.delete("page");
    const text = parameters.toString();
    return { href: `${origin}${path}${text === "" ? "" : `?${text}`}` };
  };
  // Links occur both with and without the port of the scheme: facts §13.
  return {
    data: all.slice(offset, offset + limit),
    links: {
      self: link(tenant.address, offset),
      ...(offset + limit < all.length ? { next: link(tenant.address, offset + limit) } : {}),
      ...(offset > 0 ? { prev: link(tenant.addressWithPort, Math.max(0, offset - limit)) } : {}),
    },
  };
}
