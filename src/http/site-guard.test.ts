import { describe, expect, test } from "vitest";
import { judgeSite, type SiteFacts, type SitePolicy, type SiteVerdict } from "./site-guard.ts";

const ours = "https://portal.example.com";
const sibling = "https://app.example.com";
const partner = "https://partner.example";
const evil = "https://evil.tld";

const alone: SitePolicy = { publicOrigin: ours, allowedOrigins: new Set([ours]), allowMissingOrigin: false };
const family: SitePolicy = { ...alone, allowedOrigins: new Set([ours, sibling, partner]) };
const library: SitePolicy = { publicOrigin: undefined, allowedOrigins: new Set(), allowMissingOrigin: false };

interface Sent extends Partial<SiteFacts> {
  /** Short for one `Origin`. */
  readonly from?: string;
  /** Short for one `Sec-Fetch-Site`. */
  readonly site?: string;
}

const facts = ({ from, site, ...rest }: Sent): SiteFacts => ({
  method: "GET",
  upgrade: false,
  routeClass: "rest",
  host: "portal.example.com",
  origins: from === undefined ? [] : [from],
  fetchSites: site === undefined ? [] : [site],
  hasCookie: true,
  authorizationIdentity: false,
  secure: true,
  ...rest,
});

/** A verdict in one line: "7", "8 cors", "4 preflight", "14 403". */
const brief = (verdict: SiteVerdict): string => {
  if (verdict.pass === false) return `${verdict.row} ${verdict.status}`;
  if (verdict.pass === "preflight") return `${verdict.row} preflight`;
  return verdict.cors === undefined ? `${verdict.row}` : `${verdict.row} cors`;
};

const judge = (sent: Sent, policy: SitePolicy): string => brief(judgeSite(facts(sent), policy));

type Case = readonly [what: string, sent: Sent, policy: SitePolicy, verdict: string];

const upgrade = { upgrade: true, routeClass: "engine" } as const;
const navigation = { fetchMode: "navigate", fetchDest: "document" } as const;
const preflight = { method: "OPTIONS", preflightMethod: "POST" } as const;
const token = { authorizationIdentity: true, hasCookie: false } as const;
const lenient: SitePolicy = { ...alone, allowMissingOrigin: true };

const table: readonly Case[] = [
  // Row 0
  ["another host", { host: "169.254.169.254", site: "same-origin" }, alone, "0 421"],
  ["a host that begins with ours", { host: "portal.example.com.evil.tld" }, alone, "0 421"],
  ["a host that ends with ours", { host: "evilportal.example.com" }, alone, "0 421"],
  ["our host with another port", { host: "portal.example.com:8443" }, alone, "0 421"],
  ["no host", { host: undefined }, alone, "0 400"],
  ["no host, in the library", { host: undefined }, library, "0 400"],
  ["a host that is none, in the library", { host: "a/b" }, library, "0 400"],
  ["our host in upper case with its port", { host: "PORTAL.example.com:443", site: "none" }, alone, "11"],
  ["two Origins", { origins: [ours, ours], site: "same-origin" }, alone, "0 400"],
  ["two Sec-Fetch-Site", { fetchSites: ["same-origin", "same-origin"] }, alone, "0 400"],
  ["an Origin with a slash", { from: `${ours}/`, site: "same-origin" }, alone, "0 400"],
  ["an Origin with its default port", { from: `${ours}:443`, site: "same-origin" }, alone, "0 400"],
  ["an Origin in upper case", { from: "https://PORTAL.example.com", ...upgrade }, alone, "0 400"],
  ["a list in Origin", { from: `${ours}, ${evil}`, ...upgrade }, alone, "0 400"],
  ["an empty Origin", { from: "" }, alone, "0 400"],
  // Row 1
  ["the callback", { routeClass: "own", ownRoute: "callback", site: "cross-site" }, alone, "1"],
  [
    "back-channel logout",
    { method: "POST", routeClass: "own", ownRoute: "backchannel-logout", hasCookie: false },
    alone,
    "1",
  ],
  [
    "the callback by POST",
    { method: "POST", routeClass: "own", ownRoute: "callback", site: "cross-site" },
    alone,
    "14 403",
  ],
  [
    "the callback at another host",
    { host: "evil.tld", ownRoute: "callback", routeClass: "own" },
    alone,
    "0 421",
  ],
  // Row 2
  ["an upgrade from us, Chromium on ws://", { ...upgrade, from: ours }, alone, "2"],
  ["an upgrade from us, Firefox", { ...upgrade, from: ours, site: "same-origin" }, alone, "2"],
  ["an upgrade from a listed sibling", { ...upgrade, from: sibling, site: "same-site" }, family, "2"],
  ["an upgrade from a listed partner", { ...upgrade, from: partner, site: "cross-site" }, family, "2"],
  ["an upgrade from us that is cross-site", { ...upgrade, from: ours, site: "cross-site" }, family, "3 403"],
  ["an upgrade from us that is none", { ...upgrade, from: ours, site: "none" }, family, "3 403"],
  ["an upgrade in the library", { ...upgrade, from: ours }, library, "2"],
  [
    "an upgrade in the library behind TLS of another",
    { ...upgrade, from: ours, secure: false },
    library,
    "2",
  ],
  [
    "an upgrade in the library from plain http",
    { ...upgrade, from: "http://portal.example.com" },
    library,
    "3 403",
  ],
  ["an upgrade in the library, cross-site", { ...upgrade, from: ours, site: "cross-site" }, library, "3 403"],
  // Row 3
  ["an upgrade from elsewhere", { ...upgrade, from: evil, site: "cross-site" }, alone, "3 403"],
  ["an upgrade from elsewhere without metadata", { ...upgrade, from: evil }, alone, "3 403"],
  ["an upgrade from elsewhere in the library", { ...upgrade, from: evil }, library, "3 403"],
  ["an upgrade from an unlisted sibling", { ...upgrade, from: sibling, site: "same-site" }, alone, "3 403"],
  ["an upgrade from null", { ...upgrade, from: "null" }, alone, "3 403"],
  ["an upgrade from null, same-origin", { ...upgrade, from: "null", site: "same-origin" }, library, "3 403"],
  ["an upgrade from our name on another port", { ...upgrade, from: `${ours}:8443` }, alone, "3 403"],
  ["an upgrade from our name with a dot", { ...upgrade, from: `${ours}.` }, alone, "3 403"],
  ["an upgrade from our name over http", { ...upgrade, from: "http://portal.example.com" }, alone, "3 403"],
  ["an upgrade from a name like ours", { ...upgrade, from: `${ours}.evil.tld` }, alone, "3 403"],
  [
    "an upgrade from a name that ends in ours",
    { ...upgrade, from: "https://evilportal.example.com" },
    alone,
    "3 403",
  ],
  ["an upgrade without Origin", { ...upgrade }, alone, "3 403"],
  ["an upgrade without Origin, with a token", { ...upgrade, ...token }, alone, "3"],
  ["the same with a cookie", { ...upgrade, authorizationIdentity: true }, alone, "3 403"],
  ["an upgrade without Origin where allowed", { ...upgrade }, lenient, "3"],
  ["an upgrade from elsewhere even then", { ...upgrade, from: evil }, lenient, "3 403"],
  ["an upgrade of the callback", { ...upgrade, ownRoute: "callback" }, alone, "3 403"],
  // Row 4
  [
    "a preflight from a listed origin",
    { ...preflight, from: partner, site: "cross-site" },
    family,
    "4 preflight",
  ],
  ["a preflight from elsewhere", { ...preflight, from: evil, site: "cross-site" }, family, "4 403"],
  ["a preflight from null", { ...preflight, from: "null" }, family, "4 403"],
  ["OPTIONS without the preflight header", { method: "OPTIONS", from: evil }, family, "6 403"],
  ["a preflight header without Origin", { ...preflight }, family, "13 403"],
  [
    "a preflight header on another method",
    { method: "POST", preflightMethod: "POST", from: evil },
    family,
    "6 403",
  ],
  // Row 5
  ["Origin null of ours", { method: "POST", from: "null", site: "same-origin" }, alone, "5"],
  ["Origin null of a stranger", { method: "POST", from: "null", site: "cross-site" }, alone, "5 403"],
  ["Origin null without metadata", { method: "POST", from: "null" }, alone, "5 403"],
  // Row 6
  ["a form of a stranger", { method: "POST", from: evil, site: "cross-site" }, alone, "6 403"],
  ["a form of a stranger, old browser", { method: "POST", from: evil }, alone, "6 403"],
  ["a DELETE of an unlisted sibling", { method: "DELETE", from: sibling, site: "same-site" }, alone, "6 403"],
  ["a read of a stranger", { from: evil, site: "cross-site" }, alone, "6 403"],
  ["another origin that says same-origin", { from: evil, site: "same-origin" }, alone, "6 403"],
  ["our own in the library", { method: "POST", from: ours, site: "same-origin" }, library, "6"],
  ["our own in the library without metadata", { method: "POST", from: ours }, library, "6 403"],
  ["another in the library", { method: "POST", from: evil, site: "same-origin" }, library, "6 403"],
  // Row 7
  ["our own fetch", { site: "same-origin" }, alone, "7"],
  ["our own module script", { from: ours, site: "same-origin", routeClass: "static" }, alone, "7"],
  ["our own POST", { method: "POST", from: ours, site: "same-origin" }, alone, "7"],
  ["our own POST without Origin", { method: "POST", site: "same-origin" }, alone, "7"],
  ["our own download", { site: "same-origin", fetchMode: "navigate", fetchDest: "empty" }, alone, "7"],
  [
    "logging out on our own page",
    { routeClass: "own", ownRoute: "logout", site: "same-origin", ...navigation },
    alone,
    "7",
  ],
  // Row 8
  ["a listed sibling", { method: "POST", from: sibling, site: "same-site" }, family, "8 cors"],
  ["a listed partner", { from: partner, site: "cross-site" }, family, "8 cors"],
  ["an old browser on our page", { method: "DELETE", from: ours }, alone, "8 cors"],
  ["a listed origin with metadata of nobody", { method: "POST", from: ours, site: "weird" }, alone, "14 403"],
  ["a write of ours that was typed", { method: "POST", from: ours, site: "none" }, alone, "14 403"],
  // Row 9
  ["a sibling's script", { site: "same-site", routeClass: "static", fetchMode: "no-cors" }, family, "9"],
  [
    "a sibling's frame",
    { site: "same-site", routeClass: "page", fetchMode: "navigate", fetchDest: "iframe" },
    family,
    "9",
  ],
  [
    "a sibling's image of a page",
    { site: "same-site", routeClass: "page", fetchMode: "no-cors" },
    family,
    "9 403",
  ],
  ["a sibling's image of data", { site: "same-site", referer: `${sibling}/x` }, family, "9"],
  [
    "the same of another sibling",
    { site: "same-site", referer: "https://other.example.com/" },
    family,
    "9 403",
  ],
  ["the same without Referer", { site: "same-site" }, family, "9 403"],
  ["a sibling's script where none is listed", { site: "same-site", routeClass: "static" }, alone, "14 403"],
  [
    "a sibling's script where only a stranger is listed",
    { site: "same-site", routeClass: "static" },
    { ...alone, allowedOrigins: new Set([ours, partner, "http://app.example.com"]) },
    "14 403",
  ],
  [
    "a sibling's link to our log-in",
    { site: "same-site", routeClass: "own", ownRoute: "login", ...navigation },
    family,
    "9",
  ],
  [
    "a sibling's look at the session",
    { site: "same-site", routeClass: "own", ownRoute: "read" },
    family,
    "9 403",
  ],
  ["a sibling's write", { method: "POST", site: "same-site" }, family, "14 403"],
  // Row 10
  ["a deep link", { site: "cross-site", routeClass: "page", ...navigation }, alone, "10"],
  [
    "a link to our log-out form",
    { site: "cross-site", routeClass: "own", ownRoute: "logout", ...navigation },
    alone,
    "10",
  ],
  ["a link to data", { site: "cross-site", ...navigation }, alone, "14 403"],
  [
    "a stranger's frame of a page",
    { site: "cross-site", routeClass: "page", fetchMode: "navigate", fetchDest: "iframe" },
    alone,
    "14 403",
  ],
  [
    "a POST navigation",
    { method: "POST", site: "cross-site", routeClass: "page", ...navigation },
    alone,
    "14 403",
  ],
  [
    "a link that changes state",
    { site: "cross-site", routeClass: "own", ownRoute: "changes-state", ...navigation },
    alone,
    "14 403",
  ],
  // Row 11
  ["a typed address", { site: "none", ...navigation }, alone, "11"],
  ["HEAD of a bookmark", { method: "HEAD", site: "none" }, alone, "11"],
  [
    "a typed address that changes state",
    { site: "none", routeClass: "own", ownRoute: "changes-state" },
    alone,
    "14 403",
  ],
  ["a typed write", { method: "DELETE", site: "none" }, alone, "14 403"],
  // Row 12
  ["an old browser's read", {}, alone, "12"],
  ["the same from our page", { referer: `${ours}/page` }, alone, "12"],
  ["the same from our page, in the library", { referer: `${ours}/page` }, library, "12"],
  ["the same with an empty Referer", { referer: "" }, alone, "12"],
  ["the same from elsewhere", { referer: `${evil}/${ours}` }, alone, "12 403"],
  ["the same from a name like ours", { referer: `${ours}.evil.tld/` }, alone, "12 403"],
  ["the same from a user name like ours", { referer: `${ours}@evil.tld/` }, alone, "12 403"],
  ["an old browser at our log-in", { routeClass: "own", ownRoute: "login" }, alone, "12 403"],
  ["an old browser at our log-out", { routeClass: "own", ownRoute: "logout" }, alone, "12 403"],
  ["an old browser at the session", { routeClass: "own", ownRoute: "read" }, alone, "12"],
  // Row 13
  ["a script's write with a token", { method: "POST", ...token }, alone, "13"],
  ["the same with a cookie", { method: "POST", authorizationIdentity: true }, alone, "13 403"],
  ["a write without anything", { method: "POST" }, alone, "13 403"],
  ["a write without anything where allowed", { method: "DELETE" }, lenient, "13"],
  ["a stranger's write even then", { method: "POST", site: "cross-site" }, lenient, "14 403"],
  // Row 14
  ["a stranger's image", { site: "cross-site", fetchMode: "no-cors", fetchDest: "image" }, alone, "14 403"],
  [
    "a stranger's script",
    { site: "cross-site", routeClass: "static", fetchMode: "no-cors" },
    alone,
    "14 403",
  ],
  [
    "a stranger's bodyless DELETE",
    { method: "DELETE", site: "cross-site", fetchMode: "no-cors" },
    alone,
    "14 403",
  ],
  ["metadata of nobody", { site: "Same-Origin" }, alone, "14 403"],
  ["metadata that is empty", { site: "" }, alone, "14 403"],
];

describe("judgeSite", () => {
  test.each(table)("%s", (_what, sent, policy, verdict) => {
    expect(judge(sent, policy)).toBe(verdict);
  });

  test("is tried in every row of the table", () => {
    const decided = new Set(table.map(([, , , verdict]) => Number(verdict.split(" ")[0])));
    expect([...decided].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, row) => row));
  });

  test("names the exact origin for CORS, never a wildcard", () => {
    expect(judgeSite(facts({ from: partner, site: "cross-site" }), family)).toEqual({
      pass: true,
      row: 8,
      cors: partner,
    });
    expect(judgeSite(facts({ ...preflight, from: sibling }), family)).toMatchObject({ cors: sibling });
  });

  test("knows siblings by scheme and site, not by the end of the text", () => {
    const siblingOf = (own: string, other: string): string =>
      judge(
        { host: own.split("://")[1] as string, site: "same-site", routeClass: "static" },
        { publicOrigin: own, allowedOrigins: new Set([own, other]), allowMissingOrigin: false },
      );
    expect(siblingOf("http://localhost:1", "http://localhost:2")).toBe("9");
    expect(siblingOf("http://a.acme.localhost:1", "http://b.acme.localhost:2")).toBe("9");
    expect(siblingOf("https://example.com", "https://a.example.com")).toBe("9");
    expect(siblingOf("https://example.com", "https://evilexample.com")).toBe("14 403");
    expect(siblingOf("http://10.0.0.1", "http://9.9.0.1")).toBe("14 403");
    expect(siblingOf("http://[::1]:1", "http://[::2]:1")).toBe("14 403");
  });

  test("no unsafe request without proof of its origin passes, whatever else it says", () => {
    const sites = [undefined, "cross-site", "same-site", "none", "weird"];
    const origins = [undefined, "null", evil, `${ours}.evil.tld`, "http://portal.example.com"];
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      for (const site of sites) {
        for (const from of origins) {
          for (const routeClass of ["static", "rest", "page", "own"] as const) {
            const sent = { method, routeClass, ...navigation, referer: `${ours}/` };
            const verdict = judgeSite(
              facts({
                ...sent,
                ...(site === undefined ? {} : { site }),
                ...(from === undefined ? {} : { from }),
              }),
              family,
            );
            expect(verdict).toMatchObject({ pass: false, status: 403 });
          }
        }
      }
    }
  });
});
