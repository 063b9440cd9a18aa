// The embed runtime of the local tenant, served as `/qlik-embed/main.js`. The vendor's own is not public:
// `auth`, `invoke-fetch` and `qix` are the vendor's code from npm, the two embed modules are small ones of ours.
import type { ProvidedCode, QlikMainRuntime } from "./runtime.ts";

const base = new URL(".", (document.currentScript as HTMLScriptElement).src);
const provided: ProvidedCode = {};
const loads = new Map<string, Promise<void>>();

function loadScript(file: string): Promise<void> {
  let load = loads.get(file);
  if (load === undefined) {
    load = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(file, base).href;
      script.addEventListener("load", () => resolve());
      script.addEventListener("error", () => {
        loads.delete(file);
        reject(new Error(`The embed runtime could not load ${file}`));
      });
      document.head.append(script);
    });
    loads.set(file, load);
  }
  return load;
}

const modules: Readonly<Record<string, () => Promise<unknown>>> = {
  "auth@v1": () => import("vendor:auth"),
  "invoke-fetch@v1": () => import("vendor:invoke-fetch"),
  "qix@v1": () => import("vendor:qix"),
  "initial-app-state@v1": () => import("./initial-app-state.ts"),
  "embed-vanilla@v1": () => runtime.provide("embed", "embed.js"),
};

const runtime: QlikMainRuntime = {
  provided,
  getRootUrl: () => new URL("..", base).href,
  // The runtime's own files and product-info.json are public.
  resourceNeedsCredentials: () => false,
  applyFeatureOverrides: async () => {},
  // The vendor's clients write to it on a page at the host name `localhost`.
  INTERNAL__DO_NOT_USE: {},
  async provide(name, file) {
    await loadScript(file);
    return provided[name];
  },
  async import(name) {
    const load = modules[name];
    if (load === undefined) throw new Error(`The local tenant's embed runtime has no module ${name}`);
    return load();
  },
};
globalThis.QlikMain ??= runtime;
