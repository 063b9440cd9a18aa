import { html } from "./html.ts";
import { mark, renderPage } from "./page.ts";
import { type SampleUser, sampleUsers } from "./sample-users.ts";

const initials = (name: string): string => name.replace(/(\w)\w*\s*/g, "$1");

const card = (user: SampleUser) =>
  html`<li>
    <form method="post" action="/sign-in">
      <button class="person" name="user" value="${user.key}">
        <span class="avatar avatar-${user.key}">${initials(user.name)}</span>
        <span class="person-text"
          ><strong>${user.name}</strong><span>${user.title}</span><span class="tag">${user.group}</span></span
        >
      </button>
    </form>
  </li>`;

/** The page that asks who you are. */
export function signInPage(): string {
  return renderPage({
    title: "Sign in",
    body: html`<body class="sign-in">
      <main>
        <div class="brand">${mark}<span>Northgate Coffee</span></div>
        <h1>Who is looking today?</h1>
        <p>
          This is a sample portal: pick a person, there is no password. Each sees the sales of their own
          region, in charts from Qlik, without ever signing in there.
        </p>
        <ul class="people">
          ${sampleUsers.map(card)}
        </ul>
        <p class="fine">
          The portal signs you in to its own server only. Its proxy then signs you in to the tenant with a JWT
          and keeps the tenant's session on the server.
        </p>
      </main>
    </body>`,
  });
}
