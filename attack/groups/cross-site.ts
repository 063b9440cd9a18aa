import type { Attack } from "../attack.ts";
import type { Ask, Bout } from "../bout.ts";
import { held, verdictOf } from "../verdict.ts";
import { headerOf } from "../wire/answers.ts";
import { plainAnswer } from "../wire/upstream.ts";
import { refusesAll, type Variant } from "./trials.ts";

/** What a browser says of a request that a page of another origin makes. */
function fromElsewhere(
  { foreign }: Bout["target"],
  about: {
    readonly site?: string;
    readonly mode: string;
    readonly dest: string;
    readonly origin?: string | null;
  },
): string[] {
  const { site = "cross-site", mode, dest, origin = foreign } = about;
  return [
    `Sec-Fetch-Site: ${site}`,
    `Sec-Fetch-Mode: ${mode}`,
    `Sec-Fetch-Dest: ${dest}`,
    ...(origin === null ? [] : [`Origin: ${origin}`]),
  ];
}

/** A form of another site that sends itself. */
const form =
  (type: string, body: string) =>
  (bout: Bout): Ask => ({
    method: "POST",
    target: bout.write,
    bare: true,
    lines: [
      ...fromElsewhere(bout.target, { mode: "navigate", dest: "document" }),
      "Sec-Fetch-User: ?1",
      `Content-Type: ${type}`,
    ],
    body,
  });

/** A request that needs no preflight. */
const simple =
  (method: string, origin: string | null | undefined, site = "cross-site") =>
  (bout: Bout): Ask => ({
    method,
    target: method === "GET" || method === "HEAD" ? bout.read : bout.write,
    bare: true,
    lines: fromElsewhere(bout.target, {
      site,
      mode: "no-cors",
      dest: "empty",
      ...(origin === undefined ? {} : { origin }),
    }),
  });

/** What a page loads by itself: image, script, frame. */
const loaded =
  (dest: string, mode = "no-cors") =>
  (bout: Bout): Ask => ({
    bare: true,
    lines: fromElsewhere(bout.target, { mode, dest, origin: null }),
  });

const bareLines =
  (method: string, lines: (bout: Bout) => readonly string[]) =>
  (bout: Bout): Ask => ({
    method,
    target: method === "GET" ? bout.read : bout.write,
    bare: true,
    lines: lines(bout),
  });

/** One attack whose wordings must all be refused. */
const refused = (id: string, tries: string, variants: (bout: Bout) => readonly Variant[]): Attack => ({
  id,
  tries,
  needs: ["site-guard"],
  run: (bout) => refusesAll(bout, variants(bout)),
});

/** Requests that other sites make with the user's browser. */
export const crossSite: readonly Attack[] = [
  refused("C1-forms", "posts forms of another site, in the three types that need no preflight", () => [
    ["urlencoded", form("application/x-www-form-urlencoded", "a=1")],
    ["text", form("text/plain", '{"a":"="}')],
    ["multipart", form("multipart/form-data; boundary=b", "--b--\r\n")],
  ]),
  refused("C2-without-body", "posts and deletes without a body from another site", () => [
    ["POST", simple("POST", undefined)],
    ["DELETE", simple("DELETE", undefined)],
    ["POST of a hidden origin", simple("POST", "null")],
    ["POST without Origin", simple("POST", null)],
  ]),
  refused("C3-sibling", "posts and reads from a sibling sub-domain that is on no list", ({ target }) => [
    ["POST", simple("POST", target.sibling, "same-site")],
    ["POST without Origin", simple("POST", null, "same-site")],
    ["GET", simple("GET", target.sibling, "same-site")],
    ["GET without Origin", simple("GET", null, "same-site")],
  ]),
  refused("C4-old-browser", "comes from a browser without Fetch-Metadata", () => [
    ["POST, foreign Origin", bareLines("POST", ({ target }) => [`Origin: ${target.foreign}`])],
    ["POST, sibling Origin", bareLines("POST", ({ target }) => [`Origin: ${target.sibling}`])],
    ["POST, no Origin", bareLines("POST", () => [])],
    ["DELETE, foreign Referer", bareLines("DELETE", ({ target }) => [`Referer: ${target.foreign}/x`])],
    ["GET, foreign Origin", bareLines("GET", ({ target }) => [`Origin: ${target.foreign}`])],
    ["GET, foreign Referer", bareLines("GET", ({ target }) => [`Referer: ${target.foreign}/x`])],
  ]),
  refused("C5-sub-resources", "loads data as image, script, style, frame or document of another site", () => [
    ["image", loaded("image")],
    ["script", loaded("script")],
    ["style", loaded("style")],
    ["frame", loaded("iframe", "navigate")],
    ["document", loaded("document", "navigate")],
    ["object", loaded("object")],
  ]),
  refused("C5-service-worker", "registers data as a service worker of the page's origin", () => [
    ["Service-Worker", () => ({ lines: ["Service-Worker: script"] })],
    [
      "Sec-Fetch-Dest",
      () => ({
        bare: true,
        lines: [
          "Sec-Fetch-Site: same-origin",
          "Sec-Fetch-Mode: same-origin",
          "Sec-Fetch-Dest: serviceworker",
        ],
      }),
    ],
  ]),
  refused("C4-odd-origins", "sends an Origin that is no origin, or two", ({ target }) => [
    ["with a path", bareLines("POST", () => [`Origin: ${target.origin}/x`, "Sec-Fetch-Site: same-origin"])],
    [
      "two",
      bareLines("POST", () => [
        `Origin: ${target.origin}`,
        `Origin: ${target.foreign}`,
        "Sec-Fetch-Site: same-origin",
      ]),
    ],
    [
      "two sites",
      bareLines("POST", () => [
        `Origin: ${target.origin}`,
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: cross-site",
      ]),
    ],
  ]),
  {
    id: "C5-marks",
    tries: "finds answers that other sites may load, or whose type a browser may guess",
    needs: ["answers"],
    run: async (bout) => {
      const { answer } = await bout.send({});
      const policy = answer && headerOf(answer, "cross-origin-resource-policy");
      const sniff = answer && headerOf(answer, "x-content-type-options");
      return verdictOf([
        ...(policy === "same-origin" || policy === "same-site"
          ? []
          : [`Cross-Origin-Resource-Policy: ${policy ?? "none"}`]),
        ...(sniff === "nosniff" ? [] : [`X-Content-Type-Options: ${sniff ?? "none"}`]),
      ]);
    },
  },
  {
    id: "C6-preflight",
    tries: "gets leave to read answers by a preflight from another origin",
    needs: ["site-guard"],
    run: (bout) => findsNoLeave(bout, "OPTIONS", ["Access-Control-Request-Method: DELETE"]),
  },
  {
    id: "C6-upstream-leave",
    tries: "gets leave to read answers from an upstream that gives it to everybody",
    needs: ["answers"],
    run: (bout) => findsNoLeave(bout, "GET", []),
  },
  {
    id: "C7-logout-from-elsewhere",
    tries: "logs the user out by a link, an image or a form of another site",
    needs: ["site-guard"],
    uses: ["logoutPath"],
    run: async (bout) => {
      const before = await credentialNow(bout);
      const target = bout.at(bout.target.logoutPath ?? "/");
      const ways: readonly (readonly [method: string, mode: string, dest: string, origin: string | null])[] =
        [
          ["GET", "navigate", "document", null],
          ["GET", "no-cors", "image", null],
          ["POST", "navigate", "document", bout.target.foreign],
        ];
      for (const [method, mode, dest, origin] of ways) {
        const lines = fromElsewhere(bout.target, { mode, dest, origin });
        await bout.send({ method, target, bare: true, lines });
      }
      return (await credentialNow(bout)) === before ? held() : verdictOf(["the user's session has ended"]);
    },
  },
  {
    id: "C8-foreign-credential",
    tries: "puts another user's live credential into the browser of the user",
    uses: ["other"],
    run: async (bout) => {
      const others = bout.again();
      await others.send({ as: "other" });
      const { credential } = bout.target;
      const value = bout.upstream.owners.valueIn(others.seen[0]?.headers ?? []);
      await bout.send({ lines: [`${credential}: ${value}`] });
      await bout.settle();
      return verdictOf(
        bout.seen.flatMap(({ owner }) => (owner === "user" ? [] : [`the request went on as ${owner}`])),
      );
    },
  },
  {
    id: "C9-framing",
    tries: "frames a page whose own policy lets everybody do so",
    needs: ["answers"],
    uses: ["pagePath"],
    run: async (bout) => {
      bout.answerWith(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Security-Policy: frame-ancestors *\r\n" +
          "X-Frame-Options: ALLOWALL\r\nContent-Length: 4\r\n\r\n<b>x",
      );
      const lines = ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
      const { answer } = await bout.send({ target: bout.at(bout.target.pagePath ?? "/"), bare: true, lines });
      if (answer?.status !== 200) return verdictOf([`the page was answered ${answer?.status ?? "nothing"}`]);
      const policy = headerOf(answer, "content-security-policy") ?? "";
      const sources = /frame-ancestors ([^;,]*)/.exec(policy)?.[1] ?? null;
      const frames = headerOf(answer, "x-frame-options") ?? "";
      if (sources === null && !/^(?:deny|sameorigin)$/i.test(frames)) {
        return verdictOf([`nothing says who may frame the page: "${policy}"`]);
      }
      return verdictOf(sources?.includes("*") ? [`frame-ancestors ${sources}`] : []);
    },
  },
  {
    id: "C10-shared-cache",
    tries: "finds an answer of one user that a cache would give to others",
    needs: ["answers"],
    run: async (bout) => {
      bout.answerWith(plainAnswer({ method: "GET" }, "mine", ["Cache-Control: public, max-age=3600"]));
      const { answer } = await bout.send({});
      const policy = (answer && headerOf(answer, "cache-control")) ?? "none";
      const vary = (answer && headerOf(answer, "vary")) ?? "none";
      return verdictOf([
        ...(/\b(?:private|no-store)\b/i.test(policy) ? [] : [`Cache-Control: ${policy}`]),
        ...(/cookie/i.test(vary) && /origin/i.test(vary) ? [] : [`Vary: ${vary}`]),
      ]);
    },
  },
];

/** The credential with which the user's requests travel now. */
async function credentialNow(bout: Bout): Promise<string> {
  const visit = bout.again();
  await visit.send({});
  return bout.upstream.owners.valueIn(visit.seen[0]?.headers ?? []);
}

/** Holds if no answer lets another origin read it with the user's credentials. */
async function findsNoLeave(
  bout: Bout,
  method: string,
  more: readonly string[],
): Promise<ReturnType<typeof verdictOf>> {
  const { foreign, sibling } = bout.target;
  const findings: string[] = [];
  for (const origin of [foreign, sibling, "null"]) {
    const trial = bout.again();
    const leave = [`Access-Control-Allow-Origin: ${origin}`, "Access-Control-Allow-Credentials: true"];
    trial.answerWith(plainAnswer({ method }, "x", leave));
    // The upstream's leave counts for the page's own requests too; a browser's own words say nothing of another origin then.
    const lines = method === "GET" ? [] : [`Origin: ${origin}`, ...more];
    const { answer } = await trial.send({ method, target: trial.write, bare: method !== "GET", lines });
    const given = answer && headerOf(answer, "access-control-allow-origin");
    if (given !== undefined) findings.push(`Origin ${origin}: Access-Control-Allow-Origin: ${given}`);
  }
  return verdictOf(findings);
}
