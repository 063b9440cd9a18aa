import { createHash } from "node:crypto";
import { emptyAnswer, jsonAnswer, notFoundAnswer, type Answer } from "../answer.ts";
import type { SignedInExchange } from "../exchange.ts";
import { rest, type Route } from "../router.ts";
import { bytesOf } from "../temp-contents.ts";
import type { Tenant } from "../local-tenant.ts";
import { visibleApps } from "../visible-apps.ts";
import { pageOf } from "./paging.ts";

type App = ReturnType<typeof visibleApps>[number];

/** The id of an app's item differs from the app's own, as at the vendor (facts §11, row 13). */
function itemId(app: App): string {
  return createHash("sha256").update(`item ${app.id}`).digest("hex").slice(0, 24);
}

function itemBody(tenant: Tenant, app: App): Readonly<Record<string, unknown>> {
  const id = itemId(app);
  const created = new Date(tenant.startedAt).toISOString();
  return {
    id,
    name: app.name,
    description: app.description,
    resourceId: app.id,
    resourceType: "app",
    resourceSubType: "",
    resourceSize: { appFile: app.size, appMemory: app.size },
    resourceAttributes: {
      _resourcetype: "app",
      id: app.id,
      name: app.name,
      description: app.description,
      lastReloadTime: app.lastReload,
    },
    resourceCustomAttributes: null,
    resourceCreatedAt: created,
    resourceUpdatedAt: app.lastReload,
    resourceReloadEndTime: app.lastReload,
    resourceReloadStatus: "ok",
    actions: ["read"],
    collectionIds: [],
    isFavorited: false,
    meta: { actions: ["read"], collections: [], isFavorited: false, tags: [] },
    tenantId: tenant.id,
    createdAt: created,
    updatedAt: app.lastReload,
    links: {
      self: { href: `${tenant.addressWithPort}/api/v1/items/${id}` },
      open: { href: `${tenant.address}/sense/app/${app.id}` },
      collections: { href: `${tenant.addressWithPort}/api/v1/items/${id}/collections` },
    },
  };
}

function listItems(exchange: SignedInExchange): Answer {
  const { tenant, session, query } = exchange;
  const type = query.get("resourceType") ?? "app";
  const resourceId = query.get("resourceId");
  const name = (query.get("name") ?? query.get("query") ?? "").toLowerCase();
  const apps = type.split(",").includes("app") ? visibleApps(tenant, session.user) : [];
  const chosen = apps.filter(
    (app) => (resourceId === null || resourceId === app.id) && app.name.toLowerCase().includes(name),
  );
  return jsonAnswer(
    200,
    pageOf(
      exchange,
      chosen.map((app) => itemBody(tenant, app)),
    ),
  );
}

function getItem({ tenant, session, params }: SignedInExchange): Answer {
  const app = visibleApps(tenant, session.user).find((each) => itemId(each) === params["id"]);
  return app === undefined ? notFoundAnswer() : jsonAnswer(200, itemBody(tenant, app));
}

function appBody(app: App): Readonly<Record<string, unknown>> {
  return {
    attributes: {
      id: app.id,
      name: app.name,
      description: app.description,
      thumbnail: "",
      lastReloadTime: app.lastReload,
      published: false,
      encrypted: false,
      hasSectionAccess: true,
      _resourcetype: "app",
    },
    privileges: ["read", "export"],
    create: [],
  };
}

function findApp({ tenant, session, params }: SignedInExchange): App | undefined {
  return visibleApps(tenant, session.user).find(({ id }) => id === params["id"]);
}

function getApp(exchange: SignedInExchange): Answer {
  const app = findApp(exchange);
  return app === undefined ? notFoundAnswer() : jsonAnswer(200, appBody(app));
}

/** Answers 201 with a `Location` and no body (real clients: `apps/export`). */
function exportApp(exchange: SignedInExchange): Answer {
  const { tenant, session } = exchange;
  const app = findApp(exchange);
  if (app === undefined) return notFoundAnswer();
  const content = tenant.tempContents.add({
    name: `${app.name}.qvf`,
    contentType: "application/octet-stream",
    creatorId: session.user.id,
    bytes: bytesOf(Buffer.from(JSON.stringify(appBody(app)))),
  });
  return emptyAnswer(201, [["Location", `${tenant.address}/api/v1/temp-contents/${content.id}`]]);
}

/** Items and apps, computed from what the engine serves. */
export const appRoutes: readonly Route[] = [
  rest("GET /api/v1/items", listItems),
  rest("GET /api/v1/items/:id", getItem),
  rest("GET /api/v1/apps/:id", getApp),
  rest("POST /api/v1/apps/:id/export", exportApp),
];
