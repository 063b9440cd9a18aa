import {
  firstEvent,
  frameOf,
  inWorker,
  redirectTo,
  request,
  sandbox,
  sandboxed,
  show,
  documentOf,
  socketUrl,
  submit,
  told,
} from "./acts.ts";
import { attempt, opening, type Attempt } from "./attempts.ts";

const data = "/qlik/api/v1/items";
const writing = "/qlik/api/v1/reports";
const session = "/qlik/_session";
const engine = "/qlik/app/engineData";
const file = "/qlik/resources/js/tenant-page.js";

const form = (url: string, more = ""): string =>
  `<form method="post" action="${url}" ${more}><input name="a" value="b"></form>`;
const sending = (markup: string): string => `${markup}<script>document.forms[0].submit()</script>`;
/** A frame of the hostile server's with a document in it. */
const inFrame = (markup: string): string => frameOf(documentOf(markup));

const framedForm = "POST SITE navigate iframe from its origin: row 6";

/** What forms send. */
export const forms: readonly Attempt[] = [
  attempt("urlencoded", writing, (url) => inFrame(sending(form(url))), framedForm),
  attempt("text", writing, (url) => inFrame(sending(form(url, 'enctype="text/plain"'))), framedForm),
  attempt(
    "parts",
    writing,
    (url) => inFrame(sending(form(url, 'enctype="multipart/form-data"'))),
    framedForm,
  ),
  attempt("to a page", "/qlik/single/", (url) => inFrame(sending(form(url))), framedForm),
  attempt("to the log-out", "/qlik/logout", (url) => inFrame(sending(form(url))), framedForm),
  attempt(
    "that reads",
    data,
    (url) => {
      const [action, canary] = url.split("?canary=");
      return inFrame(sending(`<form action="${action}"><input name="canary" value="${canary}"></form>`));
    },
    "GET SITE navigate iframe: row 14",
  ),
  attempt(
    "that hides its referrer",
    writing,
    (url) => inFrame(`<meta name="referrer" content="no-referrer">${sending(form(url))}`),
    "POST SITE navigate iframe from null: row 5",
  ),
  attempt("redirected", writing, (url) => inFrame(sending(form(redirectTo(url, "307")))), {
    chromium: "POST SITE navigate iframe from null: row 5",
    firefox: framedForm,
  }),
  attempt(
    "in a sandbox",
    writing,
    (url) => sandbox(sending(form(url))),
    "POST cross-site navigate iframe from null: row 5",
  ),
  opening(
    "in a window",
    writing,
    (url) => show(documentOf(sending(form(url)))),
    "POST SITE navigate document from its origin: row 6",
  ),
  opening(
    "in a window without referrer",
    writing,
    (url) => submit(form(url, 'target="_blank" rel="noreferrer"')),
    {
      chromium: "POST SITE navigate document from null: row 5",
      firefox: "POST SITE navigate document from its origin: row 6",
    },
  ),
];

const preflight = "OPTIONS SITE cors empty from its origin, without the user: row 4";
const simplePost = "POST SITE cors empty from its origin: row 6";
const blindPost = "POST SITE no-cors empty from its origin: row 6";
const blindGet = "GET SITE no-cors empty: row 14";
const readable = "GET SITE cors empty from its origin: row 6";
const json = '{ "content-type": "application/json" }';

/** What scripts ask for. */
export const requests: readonly Attempt[] = [
  attempt("no-cors GET", data, (url) => request(url, 'mode: "no-cors"'), blindGet),
  attempt("no-cors GET, redirected", data, (url) => request(redirectTo(url), 'mode: "no-cors"'), blindGet),
  attempt(
    "no-cors POST",
    writing,
    (url) => request(url, 'mode: "no-cors", method: "POST", body: "{}"'),
    blindPost,
  ),
  attempt(
    "no-cors POST without a body",
    writing,
    (url) => request(url, 'mode: "no-cors", method: "POST"'),
    blindPost,
  ),
  attempt(
    "no-cors POST that outlives its page",
    writing,
    (url) => request(url, 'mode: "no-cors", method: "POST", body: "{}", keepalive: true'),
    blindPost,
  ),
  attempt(
    "no-cors POST that hides its referrer",
    writing,
    (url) => request(url, 'mode: "no-cors", method: "POST", referrerPolicy: "no-referrer"'),
    { chromium: blindPost, firefox: "POST SITE no-cors empty from null: row 5" },
  ),
  attempt("no-cors DELETE", session, (url) => request(url, 'mode: "no-cors", method: "DELETE"'), "nothing"),
  attempt("GET", data, (url) => request(url), readable),
  attempt("HEAD", data, (url) => request(url, 'method: "HEAD"'), readable.replace("GET", "HEAD")),
  attempt("GET of the session", session, (url) => request(url), readable),
  attempt("POST of a text", writing, (url) => request(url, 'method: "POST", body: "{}"'), simplePost),
  attempt(
    "POST of a text, redirected",
    writing,
    (url) => request(redirectTo(url, "307"), 'method: "POST", body: "{}"'),
    simplePost,
  ),
  attempt(
    "POST of JSON",
    writing,
    (url) => request(url, `method: "POST", body: "{}", headers: ${json}`),
    preflight,
  ),
  attempt("DELETE of the session", session, (url) => request(url, 'method: "DELETE"'), preflight),
  attempt("beacon", writing, (url) => `navigator.sendBeacon("${url}", "{}")`, blindPost),
  attempt(
    "beacon of JSON",
    writing,
    (url) => `navigator.sendBeacon("${url}", new Blob(["{}"], { type: "application/json" }))`,
    preflight,
  ),
  attempt(
    "events",
    "/qlik/_session/events",
    (url) => firstEvent(`new EventSource("${url}", { withCredentials: true })`),
    readable,
  ),
  attempt(
    "from a sandbox",
    writing,
    (url) => sandboxed(`fetch("${url}", { mode: "no-cors", credentials: "include", method: "POST" })`),
    "POST cross-site no-cors empty from null: row 5",
  ),
  attempt(
    "from a worker",
    data,
    (url) =>
      inWorker(
        `fetch("${url}", { mode: "no-cors", credentials: "include" })
          .then(() => postMessage("answer"), (error) => postMessage(error.name))`,
      ),
    blindGet,
  ),
];

const socket = {
  chromium: "GET - - - from its origin: row 3",
  firefox: "GET SITE websocket empty from its origin: row 3",
};
const nobodysSocket = {
  chromium: "GET - - - from null: row 3",
  firefox: "GET cross-site websocket empty from null: row 3",
};

/** Upgrades. Chromium says nothing of the site, with TLS or without. */
export const sockets: readonly Attempt[] = [
  attempt("socket", engine, (url) => firstEvent(`new WebSocket("${socketUrl(url)}")`), socket),
  attempt(
    "with a sub-protocol",
    engine,
    (url) => firstEvent(`new WebSocket("${socketUrl(url)}", "qlik")`),
    socket,
  ),
  attempt("of a sandbox", engine, (url) => sandboxed(`new WebSocket("${socketUrl(url)}")`), nobodysSocket),
  attempt(
    "of a worker",
    engine,
    (url) =>
      inWorker(
        `const socket = new WebSocket("${socketUrl(url)}");
        socket.onopen = socket.onerror = ({ type }) => postMessage(type);`,
      ),
    socket,
  ),
];

/** Scripts that would run in the background: browsers themselves refuse those of another origin. */
export const workers: readonly Attempt[] = [
  attempt("worker", file, (url) => firstEvent(`new Worker("${url}")`), "nothing"),
  attempt("shared worker", file, (url) => firstEvent(`new SharedWorker("${url}")`), "nothing"),
  attempt("service worker", file, (url) => told(`navigator.serviceWorker.register("${url}")`), "nothing"),
];
