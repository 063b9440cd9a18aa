import type { Answer } from "./answer.ts";
import { staticFile, type Route } from "./router.ts";

/*
 * What a page with the Capability API asks for first (facts §6.2): a loader of modules, the style sheet, the module
 * `js/qlik`, a socket without an app, one for the app. The vendor's own files are not public; these are small ones of ours
 * behind the same addresses, and draw by the tenant's embed runtime.
 */

/** As much of a loader as `require.config({ baseUrl })` and `require(["js/qlik"], …)` need. */
const loaderScript = `(() => {
  const settings = { baseUrl: "." };
  const modules = new Map();
  let defined;
  const load = (name) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = settings.baseUrl.replace(/\\/$/, "") + "/" + name + ".js";
    script.onload = () => resolve(defined?.());
    script.onerror = () => reject(new Error("Script error for " + script.src));
    document.head.append(script);
  });
  const wanted = (name) => {
    if (!modules.has(name)) modules.set(name, load(name));
    return modules.get(name);
  };
  window.define = (names, factory) => { defined = factory; };
  window.require = (names, done, failed) =>
    void Promise.all(names.map(wanted)).then((values) => done?.(...values), (error) => {
      if (failed === undefined) throw error;
      failed(error);
    });
  window.require.config = (given) => void Object.assign(settings, given);
})();
`;

/** `host` without scheme, `prefix` with its slashes: facts §6.2, §12. The socket without an app: facts §5.1. */
const qlikScript = `define([], () => {
  const openApp = (appId, { host = location.hostname, port, prefix = "/", isSecure = true, webIntegrationId } = {}) => {
    const place = host + (port ? ":" + port : "") + prefix;
    const base = (isSecure ? "https://" : "http://") + place;
    const integration = webIntegrationId ? { "qlik-web-integration-id": webIntegrationId } : {};
    const opened = (async () => {
      const answer = await fetch(base + "api/v1/csrf-token", { credentials: "include", headers: integration });
      const token = answer.headers.get("qlik-csrf-token");
      if (token === null) throw new Error("The tenant does not know the user: " + answer.status);
      const query = new URLSearchParams({ "qlik-csrf-token": token, ...integration });
      const socket = new WebSocket((isSecure ? "wss://" : "ws://") + place + "app/engineData?" + query);
      await new Promise((resolve, reject) => {
        socket.onmessage = resolve;
        socket.onerror = () => reject(new Error("No connection to the engine"));
      });
      if (window.QlikMain === undefined) {
        await new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = base + "qlik-embed/main.js";
          script.onload = resolve;
          script.onerror = () => reject(new Error("The runtime of the tenant is not there"));
          document.head.append(script);
        });
      }
      return window.QlikMain.import("embed-vanilla@v1");
    })();
    opened.catch((error) => console.error(String(error)));
    const hostConfig = { host: base.replace(/\\/$/, ""), authType: "cookie", ...(webIntegrationId && { webIntegrationId }) };
    return {
      id: appId,
      async getObject(target, objectId) {
        const { mountVanillaEmbedComponent } = await opened;
        const element = typeof target === "string" ? document.getElementById(target) : target;
        return mountVanillaEmbedComponent({
          target: element,
          props: { hostConfig, ui: "analytics/chart", appId, objectId },
        });
      },
    };
  };
  return { openApp };
});
`;

const script = (body: string) => (): Answer => ({
  status: 200,
  headers: [
    ["Content-Type", "application/javascript; charset=utf-8"],
    ["Cache-Control", "public, max-age=60"],
  ],
  body,
});

/** The files of the Capability API; like all files of the tenant, for everyone. */
export const capabilityApiRoutes: readonly Route[] = [
  staticFile("GET /resources/assets/external/requirejs/require.js", script(loaderScript)),
  staticFile("GET /resources/js/qlik.js", script(qlikScript)),
];
