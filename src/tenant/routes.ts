/** One line of a preset: a policy rule, and the class of the routes that it opens. */
export interface PresetRule {
  /** "METHOD[,METHOD] /path" as in `policy.allow`. */
  readonly rule: string;
  readonly routeClass: "static" | "rest" | "page" | "engine";
}

const read = (routeClass: PresetRule["routeClass"], ...paths: readonly string[]): PresetRule[] =>
  paths.map((path) => ({ rule: `GET,HEAD ${path}`, routeClass }));

/** What qlik-embed, `@qlik/api` and `enigma.js` need to draw charts and read data. facts §6.1, §6.2 */
const embed: readonly PresetRule[] = [
  ...read("static", "/qlik-embed/**", "/resources/**", "/assets/**"),
  ...read(
    "rest",
    "/api/v1/users/me",
    "/api/v1/tenants/me",
    "/api/v1/claims/me",
    "/api/v1/user-locale",
    "/api/v1/user-settings",
    "/api/v1/ui-config",
    "/api/v1/features",
    "/api/v1/boot/core-init",
    "/api/v1/csrf-token",
    "/api/v1/brands/active",
    "/api/v1/licenses/status",
    "/api/v1/licenses/number",
    "/api/v1/items/**",
    "/api/v1/apps/**",
    "/api/v1/themes/**",
    "/api/v1/extensions/**",
  ),
  { rule: "GET,POST /api/v1/licenses/allotments/**", routeClass: "rest" },
  { rule: "UPGRADE /app/**", routeClass: "engine" },
];

/**
 * What a user of an embedded app may also change: exports, uploads, bookmarks. Giving files to other owners and moving
 * them between spaces is administration. facts §6.3
 */
const embedWrite: readonly PresetRule[] = [
  { rule: "GET,HEAD,POST /api/v1/reports/**", routeClass: "rest" },
  { rule: "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS /api/v1/temp-contents/**", routeClass: "rest" },
  { rule: "GET,HEAD /api/v1/data-files/**", routeClass: "rest" },
  { rule: "POST /api/v1/data-files", routeClass: "rest" },
  { rule: "PUT,DELETE /api/v1/data-files/*", routeClass: "rest" },
  { rule: "POST /api/v1/data-files/actions/delete", routeClass: "rest" },
  { rule: "POST /api/v1/apps/*/export", routeClass: "rest" },
  { rule: "GET,HEAD,POST,PUT,PATCH,DELETE /api/v1/apps/*/bookmarks/**", routeClass: "rest" },
];

/**
 * What a chat asks of an assistant, and questions in plain language to apps; to be used beside `embed`. Making and
 * tending assistants is not part of it. facts §6.4
 */
const assistants: readonly PresetRule[] = [
  ...read("rest", "/api/v1/assistants", "/api/v1/assistants/*", "/api/v1/assistants/*/starters/**"),
  { rule: "GET,HEAD,POST /api/v1/assistants/*/threads", routeClass: "rest" },
  { rule: "GET,HEAD,PATCH,DELETE /api/v1/assistants/*/threads/*", routeClass: "rest" },
  { rule: "POST /api/v1/assistants/*/threads/*/actions/invoke", routeClass: "rest" },
  { rule: "POST /api/v1/assistants/*/threads/*/actions/stream", routeClass: "rest" },
  { rule: "GET,HEAD,POST /api/v1/assistants/*/threads/*/interactions", routeClass: "rest" },
  { rule: "GET,HEAD,DELETE /api/v1/assistants/*/threads/*/interactions/*", routeClass: "rest" },
  { rule: "POST /api/v1/assistants/*/threads/*/interactions/*/feedback", routeClass: "rest" },
  { rule: "PATCH /api/v1/assistants/*/threads/*/interactions/*/feedback/*", routeClass: "rest" },
  { rule: "POST /api/v1/assistants/*/sources/plaintexts", routeClass: "rest" },
  { rule: "POST /api/v1/assistants/*/actions/search", routeClass: "rest" },
  { rule: "POST /api/v1/apps/*/insight-analyses/actions/recommend", routeClass: "rest" },
  { rule: "POST /api/v1/questions/actions/ask", routeClass: "rest" },
  { rule: "POST /api/v1/questions/actions/filter", routeClass: "rest" },
];

/**
 * Whole pages of the tenant, and what only they load; to be used beside `embed`, which has the rest of it. Their scripts
 * run with the rights of the application, so they ask for more than a name in the configuration. facts §6.2, rules R2
 */
const classic: readonly PresetRule[] = [
  ...read("page", "/single/**", "/sense/app/**", "/extensions/**"),
  ...read("rest", "/themes/**", "/content/**"),
];

/**
 * Paths that end or begin sessions at the tenant, or are ours: no rule opens them, in whatever spelling. facts §6.2,
 * attacks P10
 */
export const neverForwarded: readonly string[] = [
  "/login/**",
  "/logout/**",
  "/oauth/**",
  // Of Qlik Sense: there the token is handed out, and the session is ended. facts §10.1
  "/qps/**",
  "/.session/**",
  "/_session/**",
];

/** Named sets of routes for `policy.presets`; plain data, the engine in `policy/` knows no vendor. */
export const presets: Readonly<Record<string, readonly PresetRule[]>> = {
  embed,
  "embed-write": embedWrite,
  assistants,
  classic,
};

/** Presets with pages that run foreign script; what may be chosen with them is checked with the options. rules R2 */
export const presetsWithPages: ReadonlySet<string> = new Set(
  Object.entries(presets).flatMap(([name, rules]) =>
    rules.some(({ routeClass }) => routeClass === "page") ? [name] : [],
  ),
);
