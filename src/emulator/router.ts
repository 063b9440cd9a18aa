import type { Exchange, Handler, SignedInExchange } from "./exchange.ts";

/** Who may come in, and how the refused are answered. */
export type Route = {
  readonly methods: readonly string[];
  /** Path with `:name` for one segment and `/**` at the end for everything below. */
  readonly pattern: string;
  /** Requests a minute, where it differs from the tier (facts §7). */
  readonly perMinute?: number;
} & (
  | {
      /** `static`: files for everyone, whatever the Origin. `open`: no session needed, Origin judged. */
      readonly access: "static" | "open";
      readonly handle: Handler<Exchange>;
    }
  | {
      /** `rest`: 401 without a session, CSRF on writes. `page`: without a session on to the login. */
      readonly access: "rest" | "page" | "administration";
      readonly handle: Handler<SignedInExchange>;
    }
);

/** What a path led to. */
export type RouteMatch =
  | {
      readonly kind: "route";
      readonly route: Route;
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly kind: "method"; readonly allowed: readonly string[] }
  | { readonly kind: "none" };

/** Finds the route of a request. */
export interface Router {
  /** The first route that fits counts. HEAD is answered by GET's. */
  find(method: string, path: string): RouteMatch;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function matchPattern(
  pattern: readonly string[],
  path: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    if (wanted === "**") {
      params["rest"] = path.slice(index).join("/");
      return params;
    }
    const given = path[index];
    if (given === undefined) return undefined;
    if (wanted.startsWith(":") && given !== "") params[wanted.slice(1)] = decode(given);
    else if (wanted !== given) return undefined;
  }
  return pattern.length === path.length ? params : undefined;
}

/** Makes a route for REST that needs a session: `"GET,POST /api/v1/items"`. */
export function rest(line: string, handle: Handler<SignedInExchange>, perMinute?: number): Route {
  return { ...parseLine(line), access: "rest", handle, ...(perMinute === undefined ? {} : { perMinute }) };
}

/** Makes a route for the administration of the tenant. */
export function administration(line: string, handle: Handler<SignedInExchange>): Route {
  return { ...parseLine(line), access: "administration", handle };
}

/** Makes a route for a page of the tenant. */
export function page(line: string, handle: Handler<SignedInExchange>): Route {
  return { ...parseLine(line), access: "page", handle };
}

/** Makes a route for a file that everyone may have. */
export function staticFile(line: string, handle: Handler<Exchange>): Route {
  return { ...parseLine(line), access: "static", handle };
}

/** Makes a route that needs no session. */
export function open(line: string, handle: Handler<Exchange>): Route {
  return { ...parseLine(line), access: "open", handle };
}

function parseLine(line: string): { readonly methods: readonly string[]; readonly pattern: string } {
  const [methods = "", pattern = ""] = line.split(" ");
  return { methods: methods.split(","), pattern };
}

/** Creates a router over the routes, in their order. */
export function createRouter(routes: readonly Route[]): Router {
  const compiled = routes.map((route) => ({ route, pattern: route.pattern.split("/") }));
  return {
    find(method, path) {
      const segments = path.split("/");
      const wanted = method === "HEAD" ? "GET" : method;
      const allowed: string[] = [];
      for (const { route, pattern } of compiled) {
        const params = matchPattern(pattern, segments);
        if (params === undefined) continue;
        if (route.methods.includes(method) || route.methods.includes(wanted))
          return { kind: "route", route, params };
        allowed.push(...route.methods);
      }
      return allowed.length === 0 ? { kind: "none" } : { kind: "method", allowed };
    },
  };
}
