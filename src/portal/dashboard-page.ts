import type { DashboardContent } from "./dashboard-content.ts";
import { type Html, html } from "./html.ts";
import { mark, renderPage } from "./page.ts";
import type { SampleUser } from "./sample-users.ts";

/** What the dashboard shows and to whom. */
export interface DashboardProps {
  readonly user: SampleUser;
  /** Whom one may look as instead. */
  readonly others: readonly SampleUser[];
  /** Origin and prefix of the proxy: the `host` of the embed clients. */
  readonly qlikHost: string;
  readonly tenantOrigin: string;
  readonly content: DashboardContent;
  /** Whether the tenant's session can be ended from here. */
  readonly canExpire: boolean;
}

const chart = (objectId: string): Html =>
  html`<qlik-embed ui="analytics/chart" object-id="${objectId}" theme="portal-light"></qlik-embed>`;

interface CardParts {
  /** Which client draws it. */
  readonly by: string;
  readonly className: string;
  /** For content that brings no title of its own. */
  readonly title?: string;
  readonly content: Html;
}

const card = ({ by, className, title, content }: CardParts): Html =>
  html`<article class="card ${className}">
    <span class="by">${by}</span>
    ${title === undefined ? "" : html`<h2>${title}</h2>`}
    <div class="card-body">${content}</div>
  </article>`;

const charts = ({ charts: ids, filterField }: DashboardContent): readonly Html[] => {
  const by = "qlik-embed";
  const filter = html`<qlik-embed
    ui="analytics/field"
    field-id="${filterField}"
    theme="portal-light"
  ></qlik-embed>`;
  const ranking = html`<ol class="ranking" id="ranking" aria-live="polite"></ol>`;
  return [
    card({ by, className: "wide", content: chart(ids.line) }),
    card({ by, className: "third", content: chart(ids.bar) }),
    card({ by, className: "third", content: chart(ids.pie) }),
    card({ by: "enigma.js", className: "third", title: "Top customers", content: ranking }),
    html`<div class="third stack">
      ${card({ by, className: "list", content: filter })}
      ${card({ by, className: "figure", content: chart(ids.kpi) })}
    </div>`,
    card({ by, className: "two-thirds", content: chart(ids.table) }),
  ];
};

const sessionPanel = ({ canExpire }: DashboardProps): Html =>
  html`<section class="card panel" id="session">
    <header class="card-head">
      <h2>Your Qlik session</h2>
      <span class="pill" id="session-state">…</span>
    </header>
    <dl class="facts">
      <dt>Who</dt>
      <dd id="session-name">–</dd>
      <dt>Account at Qlik</dt>
      <dd id="session-account">–</dd>
      <dt>Expires in</dt>
      <dd id="session-expires">–</dd>
      <dt>Idle in</dt>
      <dd id="session-idle">–</dd>
      <dt>Sockets</dt>
      <dd id="session-sockets">–</dd>
    </dl>
    <p class="note" id="session-note" role="status">
      The tenant's cookies stay on the server. Your browser holds the portal's session and nothing of Qlik's.
    </p>
    <div class="actions">
      ${canExpire ? html`<button class="button" id="expire" type="button">Expire my Qlik session</button>` : ""}
      <button class="button quiet" id="log-out" type="button">Log out</button>
    </div>
  </section>`;

const directPane = ({ tenantOrigin }: DashboardProps): Html =>
  html`<section class="card panel">
    <header class="card-head">
      <h2>The same chart, embedded straight from the tenant</h2>
    </header>
    <iframe class="direct-frame" id="direct" title="Chart embedded straight from the tenant"></iframe>
    <p class="note" id="direct-reason" role="status">Trying …</p>
    <div class="actions">
      <a class="button quiet" href="${tenantOrigin}/login" target="_blank" rel="noopener"
        >Sign in at the tenant</a
      >
      <button class="button quiet" id="direct-again" type="button">Try again</button>
    </div>
  </section>`;

const switchTo = (user: SampleUser): Html =>
  html`<form method="post" action="/sign-in">
    <button class="link" name="user" value="${user.key}">Look as ${user.name}, ${user.group}</button>
  </form>`;

const userMenu = (user: SampleUser): Html =>
  html`<div class="user">
    <span class="avatar avatar-${user.key}" aria-hidden="true"
      >${user.name.replace(/(\w)\w*\s*/g, "$1")}</span
    >
    <span class="user-text"><strong>${user.name}</strong><span>${user.group}</span></span>
    <form method="post" action="/sign-out"><button class="button quiet">Sign out</button></form>
  </div>`;

/** The page of charts. */
export function dashboardPage(props: DashboardProps): string {
  const { user, qlikHost, content } = props;
  return renderPage({
    title: "Sales",
    head: html`<script type="module" src="/assets/dashboard.js"></script>
      <script
        defer
        src="/assets/qlik-embed-web-components.js"
        data-host="${qlikHost}"
        data-auth-type="none"
        data-app-id="${content.appId}"
      ></script>`,
    body: html`<body class="dashboard" data-qlik-host="${qlikHost}" data-app-id="${content.appId}">
      <header class="bar">
        <div class="brand">${mark}<span>Northgate Coffee</span></div>
        ${userMenu(user)}
      </header>
      <main class="layout">
        <section class="content">
          <div class="heading">
            <h1>Sales overview</h1>
            <p>
              Orders of ${user.group.replace("Sales ", "")}, 2023 to 2025. Select in any chart; the others
              follow.
            </p>
            ${props.others.map(switchTo)}
          </div>
          <div class="card selections">
            <qlik-embed ui="analytics/selections" theme="portal-light"></qlik-embed>
          </div>
          <ul class="tiles" id="tiles"></ul>
          <div class="grid">${charts(content)}</div>
        </section>
        <aside class="side">${sessionPanel(props)} ${directPane(props)}</aside>
      </main>
    </body>`,
  });
}
