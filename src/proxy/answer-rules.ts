import { firstHeader } from "../http/raw-headers.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import type { RequestHead } from "./request-head.ts";
import type { PreparedRequest } from "./rewrite-request.ts";
import type { ResponseRules } from "./rewrite-response.ts";
import type { Site } from "./site.ts";

/** The rules for an answer that options and place settle; those of its request and exchange are added to them. */
export type AnswerRules = Omit<
  ResponseRules,
  "routeClass" | "method" | "path" | "isRange" | "hasOwnTag" | "serverTiming"
>;

/** What the options and the place from which it is seen say about the answer to a request. */
export function answerRules(
  { options, site }: { readonly options: ResolvedOptions; readonly site: Site },
  request: RequestHead,
  tagSuffix: string | null,
): AnswerRules {
  return {
    tenantOrigin: options.tenant.origin,
    publicBase: site.baseFor(request),
    prefix: options.prefix,
    corsOrigin: site.corsOriginFor(request),
    resourcePolicy: site.resourcePolicy,
    frameAncestors: options.frameAncestors,
    trustsPages: options.unsafe.foreignScriptOnAppOrigin,
    tagSuffix,
  };
}

/** What a request that was sent says about its answer. */
export function rulesOfRequest({
  method,
  path,
  headers,
  hasOwnTag,
}: PreparedRequest): Pick<ResponseRules, "method" | "path" | "isRange" | "hasOwnTag"> {
  return { method, path, isRange: firstHeader(headers, "range") !== undefined, hasOwnTag };
}
