import fc from "fast-check";
import { Cookie, CookieJar as Oracle } from "tough-cookie";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createCookieJar, type JarEntry } from "./cookie-jar.ts";

/*
 * The jar beside tough-cookie, over sequences of headers and of time. Where the jar differs on purpose, `oracleCookie`
 * says so and why; everything else has to be the same, in the same order.
 */

const host = "acme.eu.qlikcloud.com";
const start = Date.UTC(2026, 0, 1);
const day = 86_400_000;

beforeEach(() => {
  // The oracle asks nobody but the machine for the time.
  vi.useFakeTimers({ toFake: ["Date"], now: start });
});

afterEach(() => {
  vi.useRealTimers();
});

const pick = fc.constantFrom;

const name = pick(
  "a",
  "b",
  "eas.sid",
  "AWSALB",
  "__Host-h",
  "__Secure-s",
  "A",
  "a b",
  "",
  "constructor",
  "__proto__",
);

const value = fc.oneof(
  fc.stringMatching(/^[!#-+\--:<-~]{0,6}$/),
  pick('"q, r"', "x=y", "caf\u00e9", "a b", "%41", "\u0001", "x\ny", "a\u0000b", "\u007f", "a\tb"),
);

const month = pick("Jan", "feb", "MAR", "April", "May", "Xyz");
const zone = pick("GMT", "", "PST", "+0500", "UTC", "(none)");
const time = pick("00:00:00", "8:49:37", "23:59:59", "24:00:00", "10:60:00", "10:00", "10:00:00x");
const year = pick("1970", "2026", "2027", "70", "26", "1600", "2o26", "126");

/** Dates as servers write them, the right way and in every wrong one. RFC 6265 §5.1.1 */
const date = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 32 }), month, year, time, zone)
    .chain(([d, m, y, t, z]) =>
      pick(
        `Thu, ${d} ${m} ${y} ${t} ${z}`,
        `Thu, ${d}-${m}-${y} ${t} ${z}`,
        `Thu ${m} ${d} ${t} ${y} ${z}`,
        `${t} ${y} ${m} ${d}`,
        `${y}-${d}-${m}T${t}`,
      ),
    ),
  fc
    .date({ min: new Date(start - day), max: new Date(start + 300 * day), noInvalidDate: true })
    .chain((d) =>
      pick(d.toUTCString(), d.toISOString(), d.toUTCString().replaceAll(" ", "-"), String(d.getTime())),
    ),
  pick(
    "0",
    "-1",
    "1",
    "never",
    "Thu, 01 Jan 1970",
    "2020",
    "1/2/2020",
    "31 Feb 2026 00:00:00",
    "=",
    "\u00e9",
  ),
);

const attribute = fc.oneof(
  pick("Secure", "secure=no", "HttpOnly", "SameSite=None", "Partitioned", "Unknown=1", "", "="),
  pick("Path=/", "Path=/app", "path = /app/", "Path=/app/x", "Path=", "Path", "Path=none", "Path=/App"),
  pick(
    "Max-Age=0",
    "Max-Age=60",
    "max-age=-1",
    "Max-Age=abc",
    "Max-Age=1e3",
    "Max-Age=+5",
    "Max-Age",
    "Max-Age=00",
  ),
  date.map((text) => `Expires=${text}`),
);

const domain = pick(
  "",
  `Domain=${host}`,
  "domain=.eu.qlikcloud.com",
  "Domain=QLIKCLOUD.com",
  "Domain=evil.example",
  "Domain=x.eu.qlikcloud.com",
  "Domain=cloud.com",
);

const header = fc
  .tuple(name, value, fc.array(attribute, { maxLength: 4 }), domain, pick("; ", ";", " ;\t"))
  .map(([n, v, attributes, d, joint]) => [`${n}=${v}`, ...attributes, ...(d === "" ? [] : [d])].join(joint));

const syntax = pick("", "=1", "novalue", ";", "; Path=/", "a", "=; Max-Age=0");

const step = fc.record({
  headers: fc.array(fc.oneof({ weight: 9, arbitrary: header }, syntax), { minLength: 1, maxLength: 4 }),
  /** Milliseconds that pass afterwards. */
  pause: pick(0, 1, 59_999, 60_000, day, 30 * day),
});

const tabSign = "\u2409";

/** The header as the oracle is to take it; undefined for what we refuse and it would not. */
function oracleCookie(text: string): Cookie | undefined {
  // A tab inside a value is the one control that browsers keep. RFC 6265bis §5.7
  const cookie = Cookie.parse(text.replace(/(?<=\w)\t(?=\w)/, tabSign));
  if (cookie === undefined) return undefined;
  cookie.value = cookie.value.replace(tabSign, "\t");
  // No control may get into a Cookie header; the oracle cuts at some of them and lets DEL pass. RFC 6265bis §5.7
  if (/[\0\n\r\u007f]/.test(text)) return undefined;
  // The jar has one origin, so that a cookie of a parent domain is one of that origin, and replaces it.
  if (cookie.domain && !cookie.key.startsWith("__Host-") && `.${host}`.endsWith(`.${cookie.domain}`)) {
    cookie.domain = null;
  }
  // The oracle counts Max-Age from the last reading; RFC 6265 §5.3 from the moment of setting.
  if (typeof cookie.maxAge === "number") {
    cookie.expires = new Date(cookie.maxAge <= 0 ? 0 : Date.now() + cookie.maxAge * 1000);
    cookie.maxAge = null;
  }
  return cookie;
}

const paths = ["/", "/app", "/app/", "/app/x", "/app/x/y", "/apple", "/App"];

test.each(["https", "http"])(
  "sends the same cookies over %s, in the same order, at any time",
  async (scheme) => {
    const base = `${scheme}://${host}`;
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
        vi.setSystemTime(start);
        const oracle = new Oracle(undefined, { rejectPublicSuffixes: false, prefixSecurity: "silent" });
        const jar = createCookieJar({ host, secure: scheme === "https" });
        for (const { headers, pause } of steps) {
          for (const text of headers) {
            const cookie = oracleCookie(text);
            if (cookie) await oracle.setCookie(cookie, `${base}/`, { ignoreError: true });
            // It forgets what has expired, and with it how old a name is, only when it is asked.
            await oracle.getCookies(`${base}/`, { allPaths: true });
            jar.absorb([text], Date.now());
          }
          vi.setSystemTime(Date.now() + pause);
          for (const path of paths) {
            const expected = await oracle.getCookieString(base + path);
            expect(jar.header(path, Date.now())).toBe(expected);
            if (expected !== "") sent += 1;
          }
          const copy = JSON.parse(JSON.stringify(jar.snapshot())) as JarEntry[];
          const restored = createCookieJar({ host, secure: scheme === "https" }, copy);
          expect(restored.header("/app/x", Date.now())).toBe(jar.header("/app/x", Date.now()));
        }
      }),
      { numRuns: 400 },
    );
    expect(sent).toBeGreaterThan(400);
  },
);
