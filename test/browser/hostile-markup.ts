import {
  documentOf,
  follow,
  frameOf,
  inWorker,
  plant,
  planted,
  redirectTo,
  sandboxed,
  show,
  told,
} from "./acts.ts";
import { attempt, opening, type Attempt } from "./attempts.ts";

const data = "/qlik/api/v1/items";
const file = "/qlik/resources/js/tenant-page.js";
const styles = "/qlik/assets/tenant.css";
const session = "/qlik/_session";

const image = "GET SITE no-cors image: row 14";
const script = "GET SITE no-cors script: row 14";
const style = "GET SITE no-cors style: row 14";
const scriptWithCors = "GET SITE cors script from its origin: row 6";
const anonymousScript = "GET SITE cors script from its origin, without the user: row 6";

type Row = readonly [name: string, path: string, markup: (url: string) => string, seen: Attempt["seen"]];

/** Elements that say whether they could be loaded. */
const telling: readonly Row[] = [
  ["image", data, (url) => `<img src="${url}">`, image],
  ["image that hides its referrer", data, (url) => `<img src="${url}" referrerpolicy="no-referrer">`, image],
  ["image, redirected", data, (url) => `<img src="${redirectTo(url)}">`, image],
  ["image of a file", styles, (url) => `<img src="${url}">`, image],
  ["image of the log-out", "/qlik/logout", (url) => `<img src="${url}">`, image],
  ["image of the session", session, (url) => `<img src="${url}">`, image],
  [
    "image with CORS",
    data,
    (url) => `<img src="${url}" crossorigin="use-credentials">`,
    "GET SITE cors image from its origin: row 6",
  ],
  ["button with an image", data, (url) => `<input type="image" src="${url}">`, image],
  ["video", data, (url) => `<video src="${url}"></video>`, "GET SITE no-cors video: row 14"],
  ["audio", data, (url) => `<audio src="${url}"></audio>`, "GET SITE no-cors audio: row 14"],
  ["script of data", data, (url) => `<script src="${url}"></script>`, script],
  ["script", file, (url) => `<script src="${url}"></script>`, script],
  [
    "script with CORS",
    file,
    (url) => `<script crossorigin="use-credentials" src="${url}"></script>`,
    scriptWithCors,
  ],
  ["module", file, (url) => `<script type="module" src="${url}"></script>`, anonymousScript],
  [
    "module with cookies",
    file,
    (url) => `<script type="module" crossorigin="use-credentials" src="${url}"></script>`,
    scriptWithCors,
  ],
  ["stylesheet", styles, (url) => `<link rel="stylesheet" href="${url}">`, style],
];

/** Elements that do not, or in one browser only. */
const silent: readonly Row[] = [
  ["image in SVG", data, (url) => `<svg><image href="${url}"/></svg>`, image],
  ["background", data, (url) => `<p style="background: url(${url})">a</p>`, image],
  ["stylesheet of a stylesheet", styles, (url) => `<style>@import "${url}";</style>`, style],
  [
    "subtitles",
    data,
    (url) => `<video crossorigin="use-credentials"><track default src="${url}"></video>`,
    "GET SITE cors track from its origin: row 6",
  ],
  ["object", data, (url) => `<object data="${url}"></object>`, "GET SITE navigate object: row 14"],
  ["embed", data, (url) => `<embed src="${url}">`, "GET SITE navigate embed: row 14"],
  ["preload", data, (url) => `<link rel="preload" as="image" href="${url}">`, image],
  [
    "preload with CORS",
    data,
    (url) => `<link rel="preload" as="fetch" crossorigin="use-credentials" href="${url}">`,
    "GET SITE cors empty from its origin: row 6",
  ],
  [
    "preload of a module",
    file,
    (url) => `<link rel="modulepreload" crossorigin="use-credentials" href="${url}">`,
    scriptWithCors,
  ],
];

/** What markup, styles and scripts load. */
export const elements: readonly Attempt[] = [
  ...telling.map(([name, path, markup, seen]) => attempt(name, path, (url) => planted(markup(url)), seen)),
  ...silent.map(([name, path, markup, seen]) => attempt(name, path, (url) => plant(markup(url)), seen)),
  attempt(
    "font",
    data,
    (url) => told(`new FontFace("canary", "url(${url})").load()`),
    "GET SITE cors font from its origin, without the user: row 6",
  ),
  attempt("import", file, (url) => told(`import("${url}")`), anonymousScript),
  attempt(
    "script of a worker",
    file,
    (url) =>
      inWorker(
        `try { importScripts("${url}"); postMessage("ran"); } catch ({ name }) { postMessage(name); }`,
      ),
    script,
  ),
  attempt(
    "ping",
    "/qlik/api/v1/reports",
    (url) => follow(`<a href="#" ping="${url}">a</a>`),
    "POST SITE no-cors empty from its origin: row 6",
  ),
];

const frame = "GET SITE navigate iframe: row 14";
const window = "GET SITE navigate document: row 14";

/** Frames, and windows that open by themselves or by a link. */
export const windows: readonly Attempt[] = [
  attempt("frame of data", data, frameOf, frame),
  attempt("frame of the session", session, frameOf, frame),
  attempt("frame of a page", "/qlik/single/", frameOf, frame),
  attempt("frame of the log-out", "/qlik/logout", frameOf, frame),
  attempt("frame, redirected", data, (url) => frameOf(redirectTo(url)), frame),
  attempt(
    "frame that goes on by itself",
    data,
    (url) => frameOf(documentOf(`<meta http-equiv="refresh" content="0;url=${url}">`)),
    frame,
  ),
  attempt(
    "frame of a sandbox",
    data,
    (url) => sandboxed(`location = "${url}"`),
    frame.replace("SITE", "cross-site"),
  ),
  attempt(
    "report of a frame",
    "/qlik/api/v1/reports",
    (url) => frameOf(documentOf('<img src="data:,">', `img-src 'none'; report-uri ${url}`)),
    "POST SITE no-cors report from its origin, without the user: row 6",
  ),
  opening("window", data, show, window),
  opening("window, redirected", data, (url) => show(redirectTo(url)), window),
  opening(
    "window of a sandbox",
    data,
    (url) => sandboxed(`open("${url}")`),
    window.replace("SITE", "cross-site"),
  ),
  opening(
    "link that hides its referrer",
    data,
    (url) => follow(`<a rel="noreferrer" target="_blank" href="${url}">a</a>`),
    window,
  ),
  opening("download", data, (url) => follow(`<a download target="_blank" href="${url}">a</a>`), window),
  opening("icon of a window", data, (url) => show(documentOf(`<link rel="icon" href="${url}">a`)), image),
  opening(
    "prefetch of a window",
    data,
    (url) => show(documentOf(`<link rel="prefetch" href="${url}">a`)),
    "GET SITE no-cors empty: row 14",
  ),
];
