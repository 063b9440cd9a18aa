import { METHODS } from "node:http";
import { isIP } from "node:net";
import { isHeaderName, isHeaderValue, type RawHeaders } from "../http/raw-headers.ts";
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
  return {
    method: upgrade ? "GET" : method,
    upgrade,
    ...parseUrl(url),
    ...(given.origin === undefined ? {} : { origin: given.origin }),
    ...(given.peer === undefined ? {} : { peer: given.peer }),
    headers: given.headers.flatMap(parseHeader),
  };
}

/**
 * Takes a URL apart without reading the path: what a parser of URLs would put in order is what is to be explained. Only
 * the host is written as browsers write it.
 */
function parseUrl(url: string): Pick<Question, "target" | "host"> {
  if (url.startsWith("/")) return { target: url };
  const [, scheme = "", authority = "", rest = ""] = /^(https?|wss?):\/\/([^/?#\\]*)(.*)$/is.exec(url) ?? [];
  const origin = `${scheme.toLowerCase().replace("ws", "http")}://${authority}`;
  if (authority === "" || authority.includes("@") || !URL.canParse(origin))
    throw new UsageError("URL must be a path such as /qlik/api/v1/items, or begin with https:// and a host");
  return { target: /^[/\\]/.test(rest) ? rest : `/${rest}`, host: new URL(origin).host };
}

function parseHeader(text: string): RawHeaders {
  const [, name = "", value = ""] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (!isHeaderName(name) || !isHeaderValue(value))
    throw new UsageError("--header must be 'NAME: VALUE', or 'NAME:' to leave a header out");
  return [name, value.trim()];
}
