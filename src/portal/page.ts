import { type Html, html } from "./html.ts";

/** What every page of the portal has around its content. */
export interface PageParts {
  readonly title: string;
  /** Elements for the head: scripts, mostly. */
  readonly head?: Html;
  readonly body: Html;
}

/** The mark of the sample company, drawn in the text colour. */
export const mark: Html = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="9" fill="currentColor" />
  <path d="M9 21V11l14 10V11" fill="none" stroke="var(--ground)" stroke-width="3" stroke-linejoin="round" />
</svg>`;

/** A whole document. */
export function renderPage({ title, head, body }: PageParts): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Northgate Coffee</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/assets/portal.css" />
        ${head}
      </head>
      ${body}
    </html>`.markup;
}

/** The policy of pages whose content comes from their own origin only. */
export const strictPolicy: string = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
