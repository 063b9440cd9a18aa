import { isHostOf } from "../../http/serialised-origin.ts";
import { headerValues } from "../../http/raw-headers.ts";
import type { MatchKind } from "../../options/tenant-entries.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import { isBelow, rawTarget } from "../admission.ts";
import type { RequestHead } from "../request-head.ts";

/** What a tenant is found by in the head of a request. */
export interface Findable {
  readonly options: Pick<ResolvedOptions, "publicOrigin" | "prefix">;
}

/** Every host that a request names for itself; one, where it is sound. */
export function hostsOf({ rawHeaders }: Pick<RequestHead, "rawHeaders">): readonly string[] {
  // Over HTTP/2 the host has another name; where both are there, the door wants them to be the same. RFC 9113 §8.3.1
  const authority = headerValues(rawHeaders, ":authority");
  return authority.length > 0 ? authority : headerValues(rawHeaders, "host");
}

/**
 * Finds the tenant of a request by its host or its path; undefined where it is nobody's. By a claim there is nobody to be
 * found in a head: whoever asks has to know who it is, and gets the first tenant until then.
 *
 * Host and path are read by the very functions with which the door of the tenant judges them afterwards: no way of writing
 * either leads to one tenant here and to another there.
 */
export function findTenant<Tenant extends Findable>(
  tenants: readonly Tenant[],
  by: MatchKind,
  request: RequestHead,
): Tenant | undefined {
  switch (by) {
    case "host": {
      const [host, ...others] = hostsOf(request);
      if (host === undefined || others.length > 0) return undefined;
      return tenants.find(({ options: { publicOrigin = "" } }) => isHostOf(host, publicOrigin));
    }
    case "prefix": {
      const raw = rawTarget(request);
      return tenants.find(({ options: { prefix } }) => isBelow(raw, prefix));
    }
    case "claim":
      return tenants[0];
  }
}
