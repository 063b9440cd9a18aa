import { authType as ownAuthType } from "../../src/browser/auth-module.ts";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";

/** Where the web component looks for the tenant, and how it signs in there. */
export interface EmbedHost {
  readonly host: string;
  readonly authType: "none" | "cookie" | typeof ownAuthType;
  readonly webIntegrationId?: string;
}

/** Notes how sockets end, as the page sees it, and that the vendor's client would leave for the tenant's sign-in. */
const notes = `
  window.closeCodes = [];
  window.asksToSignIn = false;
  window.confirmSignIn = () => { window.asksToSignIn = true; return new Promise(() => {}); };
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("close", ({ code }) => window.closeCodes.push(code));
    }
  };`;

/** A page of the application with a chart and the bar of selections, as the vendor documents it. */
export function mountPage({ host, authType, webIntegrationId }: EmbedHost): string {
  const integration = webIntegrationId === undefined ? "" : `data-web-integration-id="${webIntegrationId}"`;
  const authModule =
    authType === ownAuthType ? `<script src="${host}/_session/auth-module.js"></script>` : "";
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>shop</title>
<link rel="icon" href="data:,"><style>
  body { margin: 0; background: #fff }
  div { width: 640px }
  .bar { height: 64px }
  .chart { height: 420px }
</style><script>${notes}</script>${authModule}
<script type="module" src="/qlik-embed-web-components.js" data-host="${host}" data-auth-type="${authType}"
  data-auth-redirect-user-confirmation="confirmSignIn" ${integration}></script></head><body>
<div class="bar"><qlik-embed ui="analytics/selections" app-id="${APP_ID.sales}"></qlik-embed></div>
<div class="chart"><qlik-embed ui="analytics/chart" app-id="${APP_ID.sales}"
  object-id="${OBJECT_ID.sales.bar}"></qlik-embed></div>
</body></html>`;
}
