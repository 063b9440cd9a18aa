import { SessionProxyError } from "../../errors.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import { unclaimed, type Admission, type Passage } from "../admission.ts";
import type { ClientAddress } from "../client-address.ts";
import { checkOwnMethod } from "../own/own-routes.ts";
import type { RequestHead } from "../request-head.ts";
import { checkHandshake } from "../socket/rewrite-handshake.ts";
import type { Site } from "../site.ts";

/** What decides, without connections, sessions and people. */
export interface Door {
  readonly options: ResolvedOptions;
  readonly site: Site;
  readonly admission: Admission;
  readonly clientAddress: ClientAddress;
}

/** How far a request comes, and what stops it. */
export interface Decision {
  readonly upgrade: boolean;
  readonly place: ReturnType<Admission["look"]>;
  readonly passage?: Passage;
  readonly error?: SessionProxyError;
}

/** Takes the head of a request through the door, in the door's order. product C1 */
export function decide(
  { admission, options }: Pick<Door, "admission" | "options">,
  request: RequestHead,
  upgrade: boolean,
): Decision {
  const place = admission.look(request, upgrade);
  if (place.kind === "refused" || place.kind === "elsewhere") {
    const error = place.kind === "refused" ? place.error : unclaimed(request, options, place.verdict);
    const passes = !upgrade && error.code === "QSP-POLICY" && admission.isListedPreflight(request);
    return passes ? { upgrade, place, passage: { outcome: "preflight", row: 4 } } : { upgrade, place, error };
  }
  const malformed = upgrade ? errorOf(() => checkHandshake(request)) : undefined;
  if (malformed) return { upgrade, place, error: malformed };
  const passage = admission.weigh(request, place, upgrade);
  const { outcome } = passage;
  if (typeof outcome !== "string") return { upgrade, place, passage, error: outcome };
  const unknown =
    place.kind === "own" && outcome === "pass"
      ? errorOf(() => checkOwnMethod(place.route, request.method ?? "GET"))
      : undefined;
  return { upgrade, place, passage, ...(unknown === undefined ? {} : { error: unknown }) };
}

/** What a check throws at a request; undefined where it lets it pass. */
export function errorOf(check: () => void): SessionProxyError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof SessionProxyError) return error;
    throw error;
  }
}
