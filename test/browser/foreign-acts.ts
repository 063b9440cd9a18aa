import { firstEvent, frameOf, planted, plant, request, sandboxed, show, socketUrl } from "./acts.ts";
import { attempt, opening, type Attempt } from "./attempts.ts";

const json = '{ "content-type": "application/json" }';
const post = 'method: "POST", body: "{}"';
const socket = (url: string): string => firstEvent(`new WebSocket("${socketUrl(url)}")`);
const image = (url: string): string => planted(`<img src="${url}">`);
const imageThatHides = (url: string): string => planted(`<img src="${url}" referrerpolicy="no-referrer">`);

/** What any page may ask of a route that nobody guards. */
export const unguarded: readonly Attempt[] = [
  attempt(
    "form",
    "/unguarded",
    (url) =>
      plant(
        `<form method="post" action="${url}" target="any"></form><iframe name="any"></iframe><script>document.forms[0].submit()</script>`,
      ),
    "POST SITE navigate iframe from its origin: 200",
  ),
  attempt("image", "/unguarded", image, "GET SITE no-cors image: 200"),
  attempt(
    "no-cors POST",
    "/unguarded",
    (url) => request(url, 'mode: "no-cors", method: "POST"'),
    "POST SITE no-cors empty from its origin: 200, hears opaque 0",
  ),
  attempt("GET", "/unguarded", (url) => request(url), "GET SITE cors empty from its origin: 200"),
  attempt("frame", "/unguarded", frameOf, "GET SITE navigate iframe: 200"),
  opening("window", "/unguarded", show, "GET SITE navigate document: 200"),
];

/** A page of a listed origin, at a proxy that lists it. Rows 2, 4 and 8. */
export const listed: readonly Attempt[] = [
  attempt(
    "data",
    "/listed/api/v1/items",
    (url) => request(url),
    "GET SITE cors empty from its origin: 200, hears cors 200",
  ),
  attempt(
    "writing with a preflight",
    "/listed/api/v1/licenses/allotments",
    (url) => request(url, `${post}, headers: ${json}`),
    "OPTIONS SITE cors empty from its origin, without the user: 204, hears cors 200",
  ),
  attempt(
    "the session",
    "/listed/_session",
    (url) => request(url),
    "GET SITE cors empty from its origin: 200, hears cors 200",
  ),
  attempt(
    "a closed path",
    "/listed/api/v1/spaces",
    (url) => request(url),
    "GET SITE cors empty from its origin: No rule allows this path., hears cors 404",
  ),
  attempt("socket", "/listed/app/engineData", socket, {
    chromium: "GET - - - from its origin: 101, hears open",
    firefox: "GET SITE websocket empty from its origin: 101, hears open",
  }),
  attempt(
    "sandbox",
    "/listed/api/v1/items",
    (url) => sandboxed(`fetch("${url}", { credentials: "include" })`),
    "GET cross-site cors empty from null: row 5",
  ),
];

/** The same of a page that is not on the list. */
export const unlisted: readonly Attempt[] = [
  attempt(
    "data",
    "/listed/api/v1/items",
    (url) => request(url),
    "GET SITE cors empty from its origin: row 6",
  ),
  attempt(
    "writing with a preflight",
    "/listed/api/v1/licenses/allotments",
    (url) => request(url, `${post}, headers: ${json}`),
    "OPTIONS SITE cors empty from its origin, without the user: row 4",
  ),
  attempt("socket", "/listed/app/engineData", socket, {
    chromium: "GET - - - from its origin: row 3",
    firefox: "GET SITE websocket empty from its origin: row 3",
  }),
];

/** What a sibling loads without an Origin where some sibling is listed. Row 9. */
export const loadedBySibling = (isListed: boolean): readonly Attempt[] => [
  attempt(
    "script",
    "/listed/resources/js/tenant-page.js",
    (url) => planted(`<script src="${url}"></script>`),
    "GET SITE no-cors script: 200, hears load",
  ),
  attempt(
    "image of data",
    "/listed/api/v1/items",
    image,
    `GET SITE no-cors image: ${isListed ? "200" : "row 9"}`,
  ),
  attempt(
    "image of data that hides its referrer",
    "/listed/api/v1/items",
    imageThatHides,
    "GET SITE no-cors image: row 9",
  ),
  attempt("image of the session", "/listed/_session", image, "GET SITE no-cors image: row 9"),
  attempt("image of a page", "/listed/single/", image, "GET SITE no-cors image: row 9"),
  opening("window of a page", "/listed/single/", show, "GET SITE navigate document: 200"),
  opening(
    "window of data",
    "/listed/api/v1/items",
    show,
    `GET SITE navigate document: ${isListed ? "200" : "row 9"}`,
  ),
];

/** A frame over the whole page; it tells when it has loaded, whether it is shown or not. */
export const framed = (path: string): readonly Attempt[] => [
  attempt(
    "frame",
    path,
    (url) =>
      planted(`<iframe style="position: fixed; inset: 0; width: 100%; height: 100%" src="${url}"></iframe>`),
    "GET SITE navigate iframe: 200, hears load",
  ),
];

/** Links to pages. Row 10. */
export const links = (elsewhere: string, row: string | null): readonly Attempt[] => {
  const verdict = (status: string): string => `GET SITE navigate document: ${row ?? status}`;
  return [
    opening("page", "/qlik/single/", show, verdict("200")),
    opening("log-out", "/qlik/logout", show, verdict("200")),
    opening("log-in", "/qlik/login", show, verdict("302")),
    opening(
      "log-in that leads elsewhere",
      "/qlik/login",
      (url) => show(`${url}&returnto=${encodeURIComponent(elsewhere)}`),
      verdict("returnto is not on the list of origins"),
    ),
  ];
};

/** The main ways in, for proxies and cookies that are set up otherwise. */
export const mainWays = (prefix: string, who = ""): readonly Attempt[] => [
  attempt("image", `${prefix}/api/v1/items`, image, `GET SITE no-cors image${who}: row 14`),
  attempt(
    "no-cors POST",
    `${prefix}/api/v1/reports`,
    (url) => request(url, `${post}, mode: "no-cors"`),
    `POST SITE no-cors empty from its origin${who}: row 6`,
  ),
  attempt("frame", `${prefix}/single/`, frameOf, `GET SITE navigate iframe${who}: row 14`),
  attempt("socket", `${prefix}/app/engineData`, socket, {
    chromium: `GET - - - from its origin${who}: row 3`,
    firefox: `GET SITE websocket empty from its origin${who}: row 3`,
  }),
];

/** A hostile sibling where browsers say nothing of the site. Rows 3, 5, 6 and 12. */
export const siblingWithoutMetadata: readonly Attempt[] = [
  attempt("image", "/qlik/api/v1/items", image, "GET - - -: row 12"),
  attempt("frame", "/qlik/single/", frameOf, "GET - - -: row 12"),
  attempt("frame of the log-out", "/qlik/logout", frameOf, "GET - - -: row 12"),
  attempt(
    "image of the log-out that hides its referrer",
    "/qlik/logout",
    imageThatHides,
    "GET - - -: row 12",
  ),
  attempt(
    "no-cors POST",
    "/qlik/api/v1/reports",
    (url) => request(url, `${post}, mode: "no-cors"`),
    "POST - - - from its origin: row 6",
  ),
  attempt("request", "/qlik/api/v1/items", (url) => request(url), "GET - - - from its origin: row 6"),
  attempt(
    "sandbox",
    "/qlik/api/v1/reports",
    (url) => sandboxed(`fetch("${url}", { mode: "no-cors", credentials: "include", method: "POST" })`),
    {
      // Chromium takes a cookie without SameSite for Lax, and a sandbox for another site.
      chromium: "POST - - - from null, without the user: row 5",
      firefox: "POST - - - from null: row 5",
    },
  ),
  attempt("socket", "/qlik/app/engineData", socket, "GET - - - from its origin: row 3"),
];

/** What nothing distinguishes from a client that is no browser. Row 12. */
export const shyImage: readonly Attempt[] = [
  attempt("image that hides its referrer", "/qlik/api/v1/items", imageThatHides, "GET - - -: 200"),
];
