/** How a response outside the page class is kept from running as part of the app. */
export interface Containment {
  /** The `Content-Security-Policy` to set; absent where the type cannot run anything. */
  readonly csp?: string;
  /** Whether the browser must save it instead of showing it. */
  readonly attachment: boolean;
}

const CONTAINED = "sandbox; default-src 'none'";

/** Types that a browser shows as a document with scripts. */
const documents: ReadonlySet<string> = new Set([
  "text/html",
  "text/xml",
  "application/xml",
  "text/xsl",
  "multipart/x-mixed-replace",
]);

/** Types that let the browser choose for itself. @see WHATWG MIME Sniffing §7 */
const undecided: ReadonlySet<string> = new Set(["unknown/unknown", "application/unknown", "*/*"]);

/** Decides by the response's type, never by what the request says, how the response is contained. */
export function containActiveContent(contentType: string | undefined): Containment {
  let csp = false;
  let attachment = false;
  // Of several values browsers take the last good one; here the most dangerous one counts.
  for (const value of (contentType ?? "").split(",")) {
    const type = essenceOf(value);
    const document = documents.has(type) || type.endsWith("+xml");
    attachment ||= document;
    csp ||= document || type === "" || type === "application/pdf" || undecided.has(type);
  }
  return csp ? { csp: CONTAINED, attachment } : { attachment };
}

/** Makes a `Content-Disposition` say that the content is saved; the file's name stays. */
export function asAttachment(disposition: string | undefined): string {
  const parameters = disposition?.indexOf(";") ?? -1;
  return `attachment${parameters === -1 ? "" : disposition?.slice(parameters)}`;
}

/** Type and sub-type in lower case; "" for what is no media type. */
function essenceOf(value: string): string {
  const semicolon = value.indexOf(";");
  const essence = (semicolon === -1 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  const slash = essence.indexOf("/");
  const complete = slash > 0 && slash < essence.length - 1;
  return complete && !essence.includes(" ") && !essence.includes("\t") ? essence : "";
}
