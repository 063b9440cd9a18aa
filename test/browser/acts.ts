/** The words of the acting page, as source. */
const words = `
const plant = (markup) => void document.body.append(document.createRange().createContextualFragment(markup));
const planted = (markup) => new Promise((resolve) => {
  const part = document.createRange().createContextualFragment(markup);
  for (const kind of ["load", "error"]) part.firstElementChild.addEventListener(kind, () => resolve(kind));
  document.body.append(part);
});
const submit = (markup) => { plant(markup); document.body.lastElementChild.submit(); };
const follow = (markup) => { plant(markup); document.body.lastElementChild.click(); };
const sandbox = (markup) => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts allow-forms allow-popups";
  frame.srcdoc = markup;
  document.body.append(frame);
};
const inWorker = (script) => new Promise((resolve) => {
  new Worker(URL.createObjectURL(new Blob([script]))).onmessage = ({ data }) => resolve(data);
});
const told = (promise) => promise.then(
  (answer) => (answer instanceof Response ? answer.type + " " + answer.status : "done"),
  (error) => error.name,
);
const firstEvent = (make) => new Promise((resolve) => {
  const target = make();
  const hear = ({ type }) => { target.close?.(); resolve(type); };
  for (const type of ["open", "message", "error"]) target.addEventListener(type, hear);
}).catch((error) => error.name);
`;

/** A page that knows the words below; its icon keeps browsers from asking for one. */
export const actingPage: string = `<!doctype html><html><head><meta charset="utf-8"><title>acts</title>
<link rel="icon" href="data:,"></head><body><script>${words}</script></body></html>`;

const call = (word: string, ...given: readonly string[]): string =>
  `${word}(${given.map((each) => JSON.stringify(each)).join(", ")})`;

/** Adds markup; scripts in it run. */
export const plant = (markup: string): string => call("plant", markup);

/** Adds markup; tells whether its first element loaded. */
export const planted = (markup: string): string => call("planted", markup);

/** Adds a form and sends it. */
export const submit = (markup: string): string => call("submit", markup);

/** Adds a link and follows it. */
export const follow = (markup: string): string => call("follow", markup);

/** Shows a document in a frame whose origin is nobody's. */
export const sandbox = (markup: string): string => call("sandbox", markup);

/** Runs a script in such a frame. */
export const sandboxed = (script: string): string => sandbox(`<body><script>${script}</script>`);

/** Shows an address in a frame. */
export const frameOf = (url: string): string => plant(`<iframe src="${url}"></iframe>`);

/** Runs a script in a worker of the page; tells what it posts. */
export const inWorker = (script: string): string => call("inWorker", script);

/** Tells the kind and status of an answer, or the name of the error. */
export const told = (promise: string): string => `told(${promise})`;

/** Makes something that opens, or does not; tells its first event and closes it. */
export const firstEvent = (making: string): string => `firstEvent(() => ${making})`;

/** Asks by script, with the user's cookies unless the settings say otherwise. */
export const request = (url: string, settings = ""): string =>
  told(`fetch("${url}", { credentials: "include", ${settings} })`);

/** Opens an address in a new window. */
export const show = (url: string): string => `void open(${JSON.stringify(url)})`;

/** The address of a document with this markup and policy at the page's own server. */
export const documentOf = (markup: string, policy = ""): string =>
  `/markup?${new URLSearchParams({ markup, policy }).toString()}`;

/** The address of a redirect at the page's own server. */
export const redirectTo = (url: string, status = "302"): string =>
  `/redirect?${new URLSearchParams({ url, status }).toString()}`;

/** The address of a socket. */
export const socketUrl = (url: string): string => url.replace(/^http/, "ws");
