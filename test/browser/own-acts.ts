import { firstEvent, planted, request, socketUrl, told } from "./acts.ts";
import { attempt, type Attempt } from "./attempts.ts";

const json = '{ "content-type": "application/json" }';
const post = 'method: "POST", body: "{}"';
const socket = (url: string): string => firstEvent(`new WebSocket("${socketUrl(url)}")`);
const script = (url: string, more = ""): string => planted(`<script ${more} src="${url}"></script>`);

/** What the portal's own page may do through the proxy, and what browsers say of it. */
export const own: readonly Attempt[] = [
  attempt("data", "/qlik/api/v1/items", (url) => request(url), "GET SITE cors empty: 200, hears basic 200"),
  attempt(
    "writing",
    "/qlik/api/v1/licenses/allotments",
    (url) => request(url, `${post}, headers: ${json}`),
    "POST SITE cors empty from its origin: 200, hears basic 200",
  ),
  attempt(
    "writing that hides its referrer",
    "/qlik/api/v1/licenses/allotments",
    (url) => request(url, `${post}, mode: "no-cors", referrerPolicy: "no-referrer"`),
    {
      chromium: "POST SITE no-cors empty from its origin: 200, hears basic 200",
      firefox: "POST SITE no-cors empty from null: 200, hears basic 200",
    },
  ),
  attempt(
    "stylesheet",
    "/qlik/assets/tenant.css",
    (url) => planted(`<link rel="stylesheet" href="${url}">`),
    "GET SITE no-cors style: 200, hears load",
  ),
  attempt(
    "script",
    "/qlik/resources/js/tenant-page.js",
    (url) => script(url),
    "GET SITE no-cors script: 200, hears load",
  ),
  attempt("script with CORS", "/qlik/resources/js/tenant-page.js", (url) => script(url, "crossorigin"), {
    chromium: "GET SITE cors script from its origin: 200, hears load",
    firefox: "GET SITE cors script: 200, hears load",
  }),
  attempt("module", "/qlik/resources/js/tenant-page.js", (url) => script(url, 'type="module"'), {
    chromium: "GET SITE cors script from its origin: 200, hears load",
    firefox: "GET SITE cors script: 200, hears load",
  }),
  attempt("download", "/qlik/api/v1/items", (url) => `follow('<a download href="${url}">a</a>')`, {
    chromium: "GET SITE navigate empty: 200",
    firefox: "GET SITE navigate document: 200",
  }),
  attempt(
    "events",
    "/qlik/_session/events",
    (url) => firstEvent(`new EventSource("${url}")`),
    "GET SITE cors empty: 200, hears open",
  ),
  attempt("socket", "/qlik/app/engineData", socket, {
    chromium: "GET - - - from its origin: 101, hears open",
    firefox: "GET SITE websocket empty from its origin: 101, hears open",
  }),
];

const worker = "a service worker would act on the whole origin";

/** What even the portal's own page may not make of the tenant's answers. rules R2 */
export const background: readonly Attempt[] = [
  attempt(
    "service worker",
    "/qlik/resources/js/tenant-page.js",
    (url) => told(`navigator.serviceWorker.register("${url}")`),
    `GET SITE same-origin serviceworker: ${worker}`,
  ),
  attempt(
    "service worker of data",
    "/qlik/api/v1/items",
    (url) => told(`navigator.serviceWorker.register("${url}", { scope: "/" })`),
    `GET SITE same-origin serviceworker: ${worker}`,
  ),
  attempt(
    "worker of data",
    "/qlik/api/v1/items",
    (url) => firstEvent(`new Worker("${url}")`),
    "GET SITE same-origin worker: 200",
  ),
  attempt(
    "shared worker of data",
    "/qlik/api/v1/items",
    (url) => firstEvent(`new SharedWorker("${url}")`),
    "GET SITE same-origin sharedworker: 200",
  ),
];

/** A page of our own where the proxy does not know its public origin. Rows 2, 6 and 7. */
export const ownByHost: readonly Attempt[] = [
  attempt(
    "data",
    "/library/api/v1/items",
    (url) => request(url),
    "GET SITE cors empty: 200, hears basic 200",
  ),
  attempt(
    "writing",
    "/library/api/v1/licenses/allotments",
    (url) => request(url, post),
    "POST SITE cors empty from its origin: 200, hears basic 200",
  ),
  attempt("socket", "/library/app/engineData", socket, {
    chromium: "GET - - - from its origin: 101, hears open",
    firefox: "GET SITE websocket empty from its origin: 101, hears open",
  }),
];

/** A page of our own where browsers say nothing of the site. Rows 2, 8 and 12. */
export const ownWithoutMetadata: readonly Attempt[] = [
  attempt("data", "/qlik/api/v1/items", (url) => request(url), "GET - - -: 200, hears basic 200"),
  attempt(
    "writing",
    "/qlik/api/v1/licenses/allotments",
    (url) => request(url, post),
    "POST - - - from its origin: 200, hears basic 200",
  ),
  attempt("socket", "/qlik/app/engineData", socket, "GET - - - from its origin: 101, hears open"),
];
