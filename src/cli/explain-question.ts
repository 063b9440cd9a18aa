import { METHODS } from "node:http";
import { isIP } from "node:net";
import { connectionNames } from "../http/hop-by-hop.ts";
import { headerValues, isHeaderName, isHeaderValue, type RawHeaders } from "../http/raw-headers.ts";
import type { Question } from "../proxy/explain/explain.ts";
import { UsageError } from "./verb.ts";

/** Makes a question of the words of a command line. @throws UsageError */
export function toQuestion(
  method: string,
  url: string,
  given: { readonly origin?: string; readonly peer?: string; readonly headers: readonly string[] },
): Question {
  const upgrade = method === "UPGRADE";
  if (!upgrade && !METHODS.includes(method))
    throw new UsageError("METHOD must be an HTTP method such as GET, in capitals, or UPGRADE");
  if (given.origin !== undefined && (given.origin === "" || !isHeaderValue(given.origin)))
    throw new UsageError("--origin must be an origin such as https://portal.example.com");
  if (given.peer !== undefined && isIP(given.peer) === 0)
    throw new UsageError("--peer must be an address such as 192.0.2.1");
  const headers = given.headers.flatMap(parseHeader);
  checkFraming(headers);
  checkUpgrade(upgrade, headers);
  return {
    method: upgrade ? "GET" : method,
    upgrade,
    ...parseUrl(url),
    ...(given.origin === undefined ? {} : { origin: given.origin }),
    ...(given.peer === undefined ? {} : { peer: given.peer }),
    headers,
  };
}

/**
 * Takes a URL apart without reading the path: what a parser of URLs would put in order is what is to be explained. Only
 * the host is written as browsers write it, and the fragment stays with them; a path stands as it would on the wire.
 */
function parseUrl(url: string): Pick<Question, "target" | "host"> {
  if (url.startsWith("/")) return { target: url };
  const [, scheme = "", authority = "", rest = ""] = /^(https?|wss?):\/\/([^/?#\\]*)(.*)$/is.exec(url) ?? [];
  const origin = `${scheme.toLowerCase().replace("ws", "http")}://${authority}`;
  if (authority === "" || authority.includes("@") || !URL.canParse(origin))
    throw new UsageError("URL must be a path such as /qlik/api/v1/items, or begin with https:// and a host");
  const [sent = ""] = rest.split("#", 1);
  return { target: /^[/\\]/.test(sent) ? sent : `/${sent}`, host: new URL(origin).host };
}

function parseHeader(text: string): RawHeaders {
  const [, name = "", value = ""] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (!isHeaderName(name) || !isHeaderValue(value))
    throw new UsageError("--header must be 'NAME: VALUE', or 'NAME:' to leave a header out");
  return [name, value.trim()];
}

/** A header that is there; an empty value leaves it out. */
const valuesOf = (headers: RawHeaders, lowerName: string): readonly string[] =>
  headerValues(headers, lowerName).filter((value) => value !== "");

/** Node refuses these before there is a request, and what comes after that is all we know. attacks M2 */
function checkFraming(headers: RawHeaders): void {
  if (valuesOf(headers, "transfer-encoding").length > 0)
    throw new UsageError(
      "--header cannot say Transfer-Encoding: how a body is framed, the connection decides",
    );
  const lengths = valuesOf(headers, "content-length");
  // More digits are no length that anybody could send, and from twenty on Node refuses them.
  if (lengths.length > 1 || lengths.some((length) => !/^\d{1,15}$/.test(length)))
    throw new UsageError(
      "--header Content-Length must be one number of bytes: Node answers 400 to any other",
    );
}

/** These two headers together make a socket of a request, whatever its method; without them there is none. */
function checkUpgrade(upgrade: boolean, headers: RawHeaders): void {
  const isListed = connectionNames(headers).has("upgrade");
  if (!upgrade && isListed && valuesOf(headers, "upgrade").length > 0)
    throw new UsageError(
      "with Connection: Upgrade and an Upgrade header it is no plain request: ask with UPGRADE",
    );
  const isSaid = (name: string): boolean => headerValues(headers, name).length > 0;
  const isTakenAway =
    (isSaid("connection") && !isListed) || (isSaid("upgrade") && valuesOf(headers, "upgrade").length === 0);
  if (upgrade && isTakenAway)
    throw new UsageError(
      "without Connection: Upgrade and an Upgrade header it is no UPGRADE: ask with the method itself",
    );
}
