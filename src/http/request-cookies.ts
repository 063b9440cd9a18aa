import { withoutBlanks } from "./blanks.ts";
import { headerValues, type RawHeaders } from "./raw-headers.ts";

/** A cookie as a browser sent it: name and value with nothing decoded. */
export type RequestCookie = readonly [name: string, value: string];

/**
 * Reads the cookies of a request, in order, all of them: whoever asks for one has to say what a second of its name means. A
 * name is taken as browsers take it: one with a no-break space before `__Host-` is not held to the rules for that. attacks S2
 */
export function requestCookies(raw: RawHeaders): readonly RequestCookie[] {
  return headerValues(raw, "cookie").flatMap((line) =>
    line.split(";").flatMap((pair): readonly RequestCookie[] => {
      const at = pair.indexOf("=");
      const name = withoutBlanks(pair.slice(0, Math.max(at, 0)));
      return name === "" ? [] : [[name, withoutBlanks(pair.slice(at + 1))]];
    }),
  );
}

/**
 * The value of a cookie; null where it is missing, or comes twice: the second one is from another path or domain, and may be
 * somebody else's. attacks S2
 */
export function onlyCookie(raw: RawHeaders, name: string): string | null {
  const values = requestCookies(raw).filter(([each]) => each === name);
  return values.length === 1 ? (values[0]?.[1] ?? null) : null;
}
