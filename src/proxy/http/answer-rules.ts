import { firstHeader } from "../../http/raw-headers.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import type { RouteClass } from "../../policy/rule.ts";
import type { RequestHead } from "../request-head.ts";
import type { PreparedRequest } from "./rewrite-request.ts";
import type { ResponseRules } from "./rewrite-response.ts";
import type { Site } from "../site.ts";

/** What the answer to a request depends on beside itself. */
export interface AnswerFacts {
  readonly request: RequestHead;
  readonly prepared: PreparedRequest;
  readonly routeClass: RouteClass;
  /** The suffix of our entity tags; null where the route has none. */
  readonly tagSuffix: string | null;
}

/** What options, place and request say about an answer. */
export function answerRules(
  { options, site }: { readonly options: ResolvedOptions; readonly site: Site },
  { request, prepared, routeClass, tagSuffix }: AnswerFacts,
): ResponseRules {
  return {
    routeClass,
    method: prepared.method,
    path: prepared.path,
    isRange: firstHeader(prepared.headers, "range") !== undefined,
    tenantOrigin: options.tenant.origin,
    tenantBase: options.tenant.backend.base,
    publicBase: site.baseFor(request),
    prefix: options.prefix,
    corsOrigin: site.corsOriginFor(request),
    resourcePolicy: site.resourcePolicy,
    frameAncestors: options.frameAncestors,
    trustsPages: options.root.ownHost || options.unsafe.foreignScriptOnAppOrigin,
    tagSuffix,
    hasOwnTag: prepared.hasOwnTag,
    serverTiming: "",
  };
}
