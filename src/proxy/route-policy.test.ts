import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { presets } from "../tenant/routes.ts";
import { createRoutePolicy } from "./route-policy.ts";

/** One call that the vendor's client can make. */
interface Call {
  readonly method: string;
  /** As the client writes it: `/api/v1/apps/{appId}`. */
  readonly template: string;
}

const client = fileURLToPath(new URL("../../node_modules/@qlik/api", import.meta.url));

/** Its calls, read from its own files: each is written as one literal of method and path. */
const calls: readonly Call[] = readdirSync(client, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".js") && !name.startsWith("chunks"))
  .flatMap((name) => [
    ...readFileSync(join(client, name), "utf8").matchAll(/method: "(\w+)",\s+pathTemplate: "([^"]+)"/g),
  ])
  .map(([, method = "", template = ""]) => ({ method: method.toUpperCase(), template }));

const allPresets = createRoutePolicy({ policy: { presets: Object.keys(presets), allow: [], deny: [] } });
const pathOf = (template: string): string => template.replaceAll(/[{}]/g, "");
const offered = calls.filter(
  ({ method, template }) => allPresets.judge(method, false, pathOf(template)).allowed,
);
const written = (list: readonly Call[]): string[] => [
  ...new Set(list.map(({ method, template }) => `${method} ${template.replaceAll(/\{\w+\}/g, "*")}`)),
];
const isRead = ({ method }: Call): boolean => method === "GET" || method === "HEAD";

describe("all presets together, against every call of the vendor's client", () => {
  test("open these writes and no other", () => {
    expect(written(offered.filter((call) => !isRead(call))).toSorted()).toEqual([
      "DELETE /api/v1/assistants/*/threads/*",
      "DELETE /api/v1/assistants/*/threads/*/interactions/*",
      "DELETE /api/v1/data-files/*",
      "PATCH /api/v1/assistants/*/threads/*",
      "PATCH /api/v1/assistants/*/threads/*/interactions/*/feedback/*",
      "POST /api/v1/apps/*/export",
      "POST /api/v1/apps/*/insight-analyses/actions/recommend",
      "POST /api/v1/assistants/*/actions/search",
      "POST /api/v1/assistants/*/sources/plaintexts",
      "POST /api/v1/assistants/*/threads",
      "POST /api/v1/assistants/*/threads/*/actions/invoke",
      "POST /api/v1/assistants/*/threads/*/actions/stream",
      "POST /api/v1/assistants/*/threads/*/interactions",
      "POST /api/v1/assistants/*/threads/*/interactions/*/feedback",
      "POST /api/v1/data-files",
      "POST /api/v1/data-files/actions/delete",
      "POST /api/v1/questions/actions/ask",
      "POST /api/v1/questions/actions/filter",
      "POST /api/v1/reports",
      "POST /api/v1/temp-contents",
      "PUT /api/v1/data-files/*",
    ]);
  });

  test("open reading in these places and no other", () => {
    const places = offered.filter(isRead).map(({ template }) => {
      const [, , , area = "", below = ""] = template.split("/");
      return ["users", "tenants", "licenses", "brands"].includes(area) ? `${area}/${below}` : area;
    });
    expect([...new Set(places)].toSorted()).toEqual([
      "apps",
      "assistants",
      "brands/active",
      "csrf-token",
      "data-files",
      "extensions",
      "items",
      "licenses/status",
      "reports",
      "temp-contents",
      "tenants/me",
      "themes",
      "users/me",
    ]);
  });
});

/** Administration of the tenant, as facts §6.2 and the vendor's client name it. */
const administration = [
  "/api/v1/api-keys",
  "/api/v1/audits",
  "/api/v1/automations",
  "/api/v1/consumption",
  "/api/v1/csp-origins",
  "/api/v1/data-connections",
  "/api/v1/data-credentials",
  "/api/v1/di-projects",
  "/api/v1/direct-access-agents",
  "/api/v1/encryption",
  "/api/v1/groups",
  "/api/v1/identity-providers",
  "/api/v1/knowledgebases",
  "/api/v1/licenses/assignments",
  "/api/v1/licenses/consumption",
  "/api/v1/licenses/overview",
  "/api/v1/licenses/settings",
  "/api/v1/oauth-clients",
  "/api/v1/oauth-tokens",
  "/api/v1/quotas",
  "/api/v1/reload-tasks",
  "/api/v1/reloads",
  "/api/v1/roles",
  "/api/v1/spaces",
  "/api/v1/tenant-settings",
  "/api/v1/tenants",
  "/api/v1/transports",
  "/api/v1/users",
  "/api/v1/web-integrations",
  "/api/v1/webhooks",
  "/api/core",
  "/api/connectivity",
  "/api/data-governance",
  "/api/scheduling",
  "/api/workflows",
];

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** What everybody may know of themselves stands below two of those names. */
const ofOneself = new Set(
  ["/api/v1/users/me", "/api/v1/tenants/me"].flatMap((path) => [`GET ${path}`, `HEAD ${path}`]),
);

describe("administration of the tenant", () => {
  test.each(administration)("no preset opens %s, whatever the method. attacks P9", (area) => {
    const known = calls
      .map(({ template }) => pathOf(template))
      .filter((path) => path === area || path.startsWith(`${area}/`));
    const opened = [...new Set([area, `${area}/`, `${area}/some-id`, ...known])].flatMap((path) => [
      ...methods.map((method) => ({ method, path, upgrade: false })),
      { method: "GET", path, upgrade: true },
    ]);
    const allowed = opened
      .filter(({ method, path, upgrade }) => allPresets.judge(method, upgrade, path).allowed)
      .map(({ method, path }) => `${method} ${path}`)
      .filter((line) => !ofOneself.has(line));
    expect(allowed).toEqual([]);
  });

  test("is part of what the vendor's client can do, so that the list above is about something", () => {
    const unknown = administration.filter(
      (area) => !calls.some(({ template }) => template === area || template.startsWith(`${area}/`)),
    );
    expect(unknown).toEqual([]);
    expect(calls.length).toBeGreaterThan(700);
  });

  test("is opened by nothing but a rule of the operator's", () => {
    const opened = createRoutePolicy({
      policy: { presets: ["embed"], allow: ["GET /api/v1/spaces/**"], deny: ["/api/v1/spaces/secret"] },
    });
    expect(opened.judge("GET", false, "/api/v1/spaces/one")).toMatchObject({
      allowed: true,
      rule: "GET /api/v1/spaces/**",
      from: "policy.allow[0]",
    });
    expect(opened.judge("GET", false, "/api/v1/spaces/secret")).toMatchObject({
      allowed: false,
      rule: "/api/v1/spaces/secret",
      from: "policy.deny[0]",
    });
  });
});

test("a verdict says where its rule stands", () => {
  const from = (method: string, upgrade: boolean, path: string): string | null =>
    allPresets.judge(method, upgrade, path).from;
  expect(from("GET", false, "/api/v1/items")).toBe("preset embed");
  expect(from("POST", false, "/api/v1/reports")).toBe("preset embed-write");
  expect(from("GET", false, "/single/")).toBe("preset classic");
  expect(from("GET", true, "/app/x")).toBe("preset embed");
  expect(from("GET", true, "/logout")).toBe("never forwarded");
  expect(from("GET", false, "/nowhere")).toBeNull();
});
