import { html } from "./html.ts";
import { renderPage } from "./page.ts";

/** What the direct embedding needs to know; none of it goes through the proxy. */
export interface DirectProps {
  readonly tenantOrigin: string;
  readonly webIntegrationId: string;
  readonly appId: string;
  readonly objectId: string;
}

/** The policy of the direct page: unlike the portal's own pages, it must let the tenant in. */
export function directPolicy(tenantOrigin: string): string {
  const socketOrigin = tenantOrigin.replace(/^http/, "ws");
  return [
    "default-src 'none'",
    `script-src 'self' ${tenantOrigin}`,
    `connect-src 'self' ${tenantOrigin} ${socketOrigin}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join("; ");
}

/** A page with one chart that the browser fetches from the tenant itself, as without the proxy. */
export function directPage({ tenantOrigin, webIntegrationId, appId, objectId }: DirectProps): string {
  return renderPage({
    title: "Embedded directly",
    head: html`<script type="module" src="/assets/direct.js"></script>
      <script
        defer
        src="/assets/qlik-embed-web-components.js"
        data-host="${tenantOrigin}"
        data-auth-type="cookie"
        data-web-integration-id="${webIntegrationId}"
        data-auth-redirect-user-confirmation="confirmSignIn"
      ></script>`,
    body: html`<body class="direct" data-tenant="${tenantOrigin}">
      <qlik-embed
        ui="analytics/chart"
        app-id="${appId}"
        object-id="${objectId}"
        theme="portal-light"
      ></qlik-embed>
      <div class="direct-blank" id="blank" hidden><span>No chart</span></div>
    </body>`,
  });
}
