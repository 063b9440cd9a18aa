import type { Place } from "../wire/connection.ts";

/** Where a URL leads. */
export function placeOf(url: string): Place {
  const { hostname, port, protocol } = new URL(url);
  const secure = protocol === "https:";
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (secure ? 443 : 80) : Number(port),
    secure,
  };
}
