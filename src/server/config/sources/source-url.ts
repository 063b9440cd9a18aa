/** Reads an address that questions go to; null for what is none, or says more than where: a password, a fragment. */
export function parseUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isPlain = url.username === "" && url.password === "" && url.hash === "";
  return isPlain && (url.protocol === "https:" || url.protocol === "http:") ? url : null;
}

/** Whether an address is this machine's own: what goes there is on no wire. RFC 6761 §6.3 */
export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname);
