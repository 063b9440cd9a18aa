/* What stands in the files of edge mode, those too whose programs are not run here. rules R10, attacks A4 H9 */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { keptBack } from "../../src/proxy/http/rewrite-response.ts";
import { readDeployFile } from "../deploy/deploy-files.ts";

const file = (name: string): string => readDeployFile(`edge/forward-auth/${name}`);
const names = ["nginx.conf", "Caddyfile", "haproxy.cfg", "traefik.yaml", "envoy.yaml"] as const;

/** Looks a way down a tree of data. */
function at(tree: unknown, ...way: readonly (string | number)[]): unknown {
  return way.reduce(
    (found, key) => (found as Readonly<Record<string | number, unknown>> | undefined)?.[key],
    tree,
  );
}

/** Where two headers are set anew, they need not be taken away first. */
const setAnew = new Set([
  "content-security-policy",
  "x-content-type-options",
  "cross-origin-resource-policy",
  "server",
]);

type Name = (typeof names)[number];

const leadsNowhere: Readonly<Record<Name, RegExp>> = {
  "nginx.conf": /^\s+proxy_hide_header Location;$/m,
  Caddyfile: /^\s+-Location$/m,
  "haproxy.cfg": /http-response del-header \^\([^)]*\|location\|/,
  "traefik.yaml": /^\s+Location: ""$/m,
  "envoy.yaml": /^\s+- location$/m,
};

const leavesBodies: Readonly<Record<Name, readonly string[]>> = {
  "nginx.conf": ["|$http_content_length$http_transfer_encoding|"],
  // Go takes the coding off the headers.
  Caddyfile: ["not header Content-Length *", "max_size 1"],
  "haproxy.cfg": [
    "acl has_body req.hdr(Content-Length) -m found",
    "acl has_body req.hdr(Transfer-Encoding) -m found",
    "!has_body !has_origin",
    "!has_body is_own_origin",
  ],
  "traefik.yaml": ["!HeaderRegexp(`Content-Length`, `.`)", "!HeaderRegexp(`Transfer-Encoding`, `.`)"],
  "envoy.yaml": [
    "{ name: content-length, present_match: false }",
    "{ name: transfer-encoding, present_match: false }",
  ],
};

test("Caddyfile has the token in no configuration that Caddy shows, and no API that anybody may ask", () => {
  const text = file("Caddyfile");
  expect(text).toContain("header_up X-QSP-Edge-Token {env.QSP_EDGE_TOKEN}");
  expect(text).not.toContain("{$QSP_EDGE_TOKEN");
  expect(text).toMatch(/^\tadmin off$/m);
});

describe.each(names)("%s", (name) => {
  test("keeps back every header of the tenant that the proxy keeps back", () => {
    const text = file(name).toLowerCase();
    const missing = [...keptBack].filter((header) => !setAnew.has(header) && !text.includes(header));
    expect(missing).toEqual([]);
    for (const header of [
      "content-security-policy",
      "x-content-type-options",
      "cross-origin-resource-policy",
    ])
      expect(text).toContain(header);
    expect(text).toContain("x-accel-");
    expect(text).toContain("access-control-");
  });

  test("leads nowhere that the tenant says, and leaves requests with a body to the proxy", () => {
    expect(file(name)).toMatch(leadsNowhere[name]);
    for (const condition of leavesBodies[name]) expect(file(name)).toContain(condition);
  });

  test("has no cache for verdicts, and checks the tenant's certificate", () => {
    const text = file(name);
    expect(text).not.toMatch(/proxy_cache\s|http-request cache-use|cache_path|insecure|verify none/i);
  });
});

describe("traefik.yaml", () => {
  const tree: unknown = parse(file("traefik.yaml"));
  const middleware = (name: string, ...way: readonly string[]): unknown =>
    at(tree, "http", "middlewares", name, ...way);

  test("asks before anything goes to the tenant, believes no header of the way, and lets the token go no further", () => {
    expect(at(tree, "http", "routers", "qlik-downloads", "middlewares")).toEqual([
      "qsp-token",
      "qsp-verdict",
      "qsp-strip",
      "qsp-request",
      "qsp-answer",
    ]);
    expect(middleware("qsp-verdict", "forwardAuth")).toEqual({
      address: "http://127.0.0.1:8789/authz/forward-auth",
      trustForwardHeader: false,
      authResponseHeaders: ["Cookie", "Qlik-Csrf-Token", "X-Qsp-Upstream-Uri"],
    });
    expect(middleware("qsp-request", "headers", "customRequestHeaders", "X-QSP-Edge-Token")).toBe("");
    expect(at(tree, "http", "services", "qlik-tenant", "loadBalancer", "passHostHeader")).toBe(false);
  });

  test("asks nothing in the words of a browser about itself", () => {
    const asked = middleware("qsp-token", "headers", "customRequestHeaders") as object;
    for (const name of ["Sub", "Name", "Email", "Groups", "Session"])
      expect(asked).toHaveProperty(`X-User-${name}`, "");
  });

  test("names only what is there", () => {
    for (const router of Object.values(at(tree, "http", "routers") as object)) {
      expect(at(tree, "http", "services", at(router, "service") as string)).toBeDefined();
      for (const name of (at(router, "middlewares") as readonly string[] | undefined) ?? [])
        expect(middleware(name)).toBeDefined();
    }
    const rule = at(tree, "http", "routers", "qlik-downloads", "rule") as string;
    const path = /PathRegexp\(`(.*?)`\)/.exec(rule)?.[1] ?? "";
    expect(new RegExp(path).test("/qlik/api/v1/temp-contents/abc")).toBe(true);
    expect(new RegExp(path).test("/qlik/api/v1/temp-contents/abc/details")).toBe(false);
    expect(new RegExp(path).test("/qlik/api/v1/items")).toBe(false);
  });
});

describe("envoy.yaml", () => {
  const tree: unknown = parse(file("envoy.yaml"));
  const manager = at(
    tree,
    "static_resources",
    "listeners",
    0,
    "filter_chains",
    0,
    "filters",
    0,
    "typed_config",
  );
  const routes = at(manager, "route_config", "virtual_hosts", 0, "routes") as readonly unknown[];

  test("judges the path as it came, fails closed, and shows the browser no credential", () => {
    expect(manager).toMatchObject({
      normalize_path: false,
      merge_slashes: false,
      path_with_escaped_slashes_action: "KEEP_UNCHANGED",
    });
    expect(at(manager, "http_filters", 0, "typed_config")).toMatchObject({
      failure_mode_allow: false,
      http_service: { path_prefix: "/authz/ext-authz" },
    });
    const answer = at(manager, "http_filters", 0, "typed_config", "http_service", "authorization_response");
    expect(at(answer, "allowed_upstream_headers", "patterns")).toEqual([
      { exact: "cookie" },
      { exact: "qlik-csrf-token" },
    ]);
    expect(JSON.stringify(at(answer, "allowed_client_headers"))).not.toMatch(/cookie|csrf|upstream/);
  });

  test("asks about downloads alone, and leads every route to something that is there", () => {
    const clusters = (at(tree, "static_resources", "clusters") as readonly { readonly name: string }[]).map(
      ({ name }) => name,
    );
    for (const route of routes) {
      const cluster = at(route, "route", "cluster");
      expect(clusters).toContain(cluster);
      const isOff = at(route, "typed_per_filter_config", "envoy.filters.http.ext_authz", "disabled") === true;
      expect([cluster, isOff]).toEqual([cluster, cluster !== "qlik_tenant"]);
    }
    const path = new RegExp(`^${String(at(routes[0], "match", "safe_regex", "regex"))}$`);
    expect(path.test("/qlik/api/v1/temp-contents/abc")).toBe(true);
    expect(path.test("/qlik/api/v1/temp-contents/abc/details")).toBe(false);
    const { pattern, substitution } = at(routes[0], "route", "regex_rewrite") as {
      readonly pattern: { readonly regex: string };
      readonly substitution: string;
    };
    const rewritten = "/qlik/api/v1/x".replace(new RegExp(pattern.regex), substitution.replace("\\1", "$1"));
    expect(rewritten).toBe("/api/v1/x");
  });
});
