/** Which requests something is meant for; what is left out matches everything. */
export interface RequestMatch {
  /** HTTP method, or UPGRADE for a WebSocket. */
  readonly method?: string;
  /** Path without query; `*` is one segment, `/**` at the end the path itself and everything below. */
  readonly path?: string;
  /** Subject of the session that the request's cookies name. */
  readonly subject?: string;
}

/** What a request looks like to a match. */
export interface RequestFeatures {
  readonly method: string;
  readonly path: string;
  readonly subject: string | undefined;
}

function pathMatches(pattern: string, path: string): boolean {
  const open = pattern.endsWith("/**");
  const wanted = (open ? pattern.slice(0, -3) : pattern).split("/");
  const given = path.split("/");
  if (open ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => segment === "*" || segment === given[index]);
}

/** Tells whether a request is meant. */
export function matches(match: RequestMatch, request: RequestFeatures): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== request.method) return false;
  if (match.path !== undefined && !pathMatches(match.path, request.path)) return false;
  return match.subject === undefined || match.subject === request.subject;
}
