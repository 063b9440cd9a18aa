import {
  emptyAnswer,
  errorAnswer,
  htmlAnswer,
  redirectAnswer,
  statusAnswer,
  type Answer,
  type HeaderLine,
} from "./answer.ts";
import { expiredCookie, sessionCookie } from "./cookies.ts";
import { readBody, type Exchange } from "./exchange.ts";
import { escapeHtml } from "./html.ts";
import { randomUrlSafe } from "./random-values.ts";
import { open, type Route } from "./router.ts";
import { logoutCookies } from "./sessions.ts";
import { sampleUsers } from "./users.ts";

/** Where the stand-in for the tenant's interactive identity provider lives. */
const SIGN_IN_PATH = "/login/interactive";

type ReturnTo = { readonly url: string } | { readonly refused: Answer };

function refusedLogin(code: "LOGIN-8" | "LOGIN-10", title: string): ReturnTo {
  return { refused: errorAnswer(401, { code, title, status: "401" }) };
}

/** Judges `returnto`: the tenant itself, or an origin that the named web integration lists (facts §1.4). */
function judgeReturnTo(exchange: Exchange, value: string | null, integrationId: string | null): ReturnTo {
  const { tenant } = exchange;
  if (value === null || value === "") return { url: `${tenant.origin}/` };
  const isPath = /^\/(?![/\\])[^\s\\]*$/.test(value);
  const isUrl = /^https?:\/\/[^\s\\]+$/.test(value) && URL.canParse(value);
  if (!isPath && !isUrl) return refusedLogin("LOGIN-8", "Illegal returnto");
  const url = new URL(value, tenant.origin);
  if (url.username !== "" || url.password !== "") return refusedLogin("LOGIN-8", "Illegal returnto");
  if (url.origin === tenant.origin || tenant.webIntegrations.allows(integrationId ?? undefined, url.origin))
    return { url: url.href };
  return refusedLogin("LOGIN-10", "returnto is not allowed by the web integration");
}

/** `GET /login`: 302 or 401 (facts §2.4). Somebody with a session goes straight back. */
function login(exchange: Exchange): Answer {
  const { tenant, query, session } = exchange;
  const returnTo = judgeReturnTo(exchange, query.get("returnto"), query.get("qlik-web-integration-id"));
  if ("refused" in returnTo) return returnTo.refused;
  const prompt = query.get("prompt");
  if (session !== undefined && prompt !== "login") return redirectAnswer(returnTo.url);
  if (prompt === "none") return statusAnswer(401, "Unauthorized");
  const parameters = new URLSearchParams({ returnto: returnTo.url });
  const integration = query.get("qlik-web-integration-id");
  if (integration !== null) parameters.set("qlik-web-integration-id", integration);
  return redirectAnswer(`${tenant.origin}${SIGN_IN_PATH}?${parameters.toString()}`);
}

const hiddenField = (name: string, value: string | null): string =>
  value === null ? "" : `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`;

function signInPage(exchange: Exchange): Answer {
  const { tenant, query } = exchange;
  const buttons = sampleUsers
    .map(
      ({ subject, name, groups }) =>
        `<button name="subject" value="${escapeHtml(subject)}"><b>${escapeHtml(name)}</b>` +
        `<span>${escapeHtml(subject)} · ${escapeHtml(groups.join(", "))}</span></button>`,
    )
    .join("");
  return htmlAnswer(
    200,
    `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in to the local tenant</title>
<link rel="stylesheet" href="/assets/tenant.css"></head>
<body><main class="card"><h1>Local tenant</h1><p>${escapeHtml(tenant.hostname)}: sign in as one of the sample users.</p>
<form method="post" action="${SIGN_IN_PATH}">${hiddenField("returnto", query.get("returnto"))}${hiddenField(
      "qlik-web-integration-id",
      query.get("qlik-web-integration-id"),
    )}${buttons}</form></main></body></html>`,
    [
      ["Cache-Control", "no-store"],
      ["Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'"],
    ],
  );
}

/** Makes the user-agent id that interactive paths set: 32 characters, a dot, 86 characters (facts §2.2). */
function userAgentCookie(secure: boolean): HeaderLine {
  return sessionCookie("eas.uaid", `${randomUrlSafe(32)}.${randomUrlSafe(88).slice(0, 86)}`, secure);
}

async function signIn(exchange: Exchange): Promise<Answer> {
  const { tenant } = exchange;
  const form = new URLSearchParams((await readBody(exchange)).toString("utf8"));
  const returnTo = judgeReturnTo(exchange, form.get("returnto"), form.get("qlik-web-integration-id"));
  if ("refused" in returnTo) return returnTo.refused;
  const person = sampleUsers.find(({ subject }) => subject === form.get("subject"));
  if (person === undefined) return statusAnswer(401, "Unauthorized");
  const { cookies } = tenant.sessions.start(tenant.users.signIn(person));
  return emptyAnswer(303, [
    ["Location", returnTo.url],
    ...cookies,
    userAgentCookie(tenant.modes.secureCookies),
  ]);
}

/** `GET /logout`: ends the session, deletes its cookies, goes to a page (facts §2.4). */
function logout(exchange: Exchange): Answer {
  const { tenant, session } = exchange;
  if (session !== undefined) tenant.sessions.end(session, "logout");
  return redirectAnswer(`${tenant.origin}/`, [...logoutCookies(), expiredCookie("eas.uaid")]);
}

/** Login and logout of a person at the tenant itself. */
export const interactiveLoginRoutes: readonly Route[] = [
  open("GET /login", login),
  open(`GET ${SIGN_IN_PATH}`, signInPage),
  open(`POST ${SIGN_IN_PATH}`, signIn),
  open("GET /logout", logout),
];
