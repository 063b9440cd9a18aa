import { escapeHtml } from "../../http/error-page.ts";
import type { OwnAnswer } from "../../http/own-answer.ts";

/** What every answer of ours says: nobody keeps it, guesses its type, or loads it from elsewhere. rules R4 */
const ownHeaders = [
  "cache-control",
  "no-store",
  "x-content-type-options",
  "nosniff",
  "cross-origin-resource-policy",
  "same-origin",
  "vary",
  "Origin, Sec-Fetch-Site, Cookie",
] as const;

/** Nothing of another place runs or loads on a page of ours, and nobody frames it. */
const pageHeaders = [
  "content-type",
  "text/html; charset=utf-8",
  ...ownHeaders,
  "content-security-policy",
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy",
  "no-referrer",
] as const;

const style =
  "body{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;background:#f6f7f9;color:#1c2530}main{max-width:26rem;padding:2rem;text-align:center}h1{font-size:1.3rem;margin:0 0 .5rem}button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.5rem;background:#0b6b43;color:#fff;cursor:pointer}@media(prefers-color-scheme:dark){body{background:#12171d;color:#e6eaee}}";

function page(title: string, content: string, head = ""): OwnAnswer {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">${head}<title>${title}</title><style>${style}</style><main><h1>${title}</h1>${content}</main></html>`;
  const body = Buffer.from(html);
  return { status: 200, headers: [...pageHeaders, "content-length", String(body.length)], body };
}

/** Asks before logging out, because a link of another site may have led here. product B4 */
export function logoutForm(): OwnAnswer {
  return page(
    "Sign out of analytics?",
    '<p>Charts and data on this site will stop until you open them again.</p><form method="post"><button>Sign out</button></form>',
  );
}

/** Says that the log-out is done. */
export function loggedOut(): OwnAnswer {
  return page("Signed out of analytics", "<p>You can close this page.</p>");
}

/**
 * Sends a person on by a page of ours: what follows begins here, where a redirect would still count as coming from the site
 * that led to us. rules R14
 */
export function onwardPage(title: string, to: string): OwnAnswer {
  const address = escapeHtml(to);
  const refresh = `<meta http-equiv="refresh" content="0;url=${address}">`;
  return page(title, `<p><a href="${address}">Continue</a></p>`, refresh);
}

/** An answer in JSON that nobody keeps. */
export function jsonAnswer(status: number, value: unknown): OwnAnswer {
  const body = Buffer.from(JSON.stringify(value));
  return {
    status,
    headers: ["content-type", "application/json", "content-length", String(body.length), ...ownHeaders],
    body,
  };
}

/** An answer without body that nobody keeps. */
export function emptyAnswer(status: number, headers: readonly string[] = []): OwnAnswer {
  return { status, headers: [...ownHeaders, ...headers], body: Buffer.alloc(0) };
}
