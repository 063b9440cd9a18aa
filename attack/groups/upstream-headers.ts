import type { Attack } from "../attack.ts";
import type { Bout, Talk } from "../bout.ts";
import { type Verdict, verdictOf } from "../verdict.ts";
import { valuesOf } from "../wire/headers.ts";
import { plainAnswer } from "../wire/upstream.ts";
import { findIn, tryAll } from "./trials.ts";

/** An answer of the upstream: its status line and headers, and its body. */
const answer = (status: string, lines: readonly string[], body = ""): string =>
  `${[`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...lines].join("\r\n")}\r\n\r\n${body}`;

/** Has the upstream answer with some bytes and gives what the client got. */
async function answered(bout: Bout, bytes: string): Promise<Talk> {
  bout.answerWith(bytes);
  return bout.send({});
}

/** The forms in which cookies come. */
const cookies = (canary: string): string[] => [
  `Set-Cookie: a=${canary}; Path=/; HttpOnly`,
  `set-cookie: b=${canary}; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Domain=.example.test`,
  `SET-COOKIE: __Host-c=${canary}; Path=/; Secure`,
  `Set-Cookie: d=${canary}, e=${canary}`,
  `Set-Cookie: ${canary}`,
];

/** Headers that act on the whole origin from which they come, which is the page's. */
const acting: readonly string[] = [
  'Clear-Site-Data: "*"',
  "Strict-Transport-Security: max-age=63072000; includeSubDomains",
  'Public-Key-Pins: pin-sha256="x"; max-age=9',
  "Service-Worker-Allowed: /",
  'NEL: {"report_to":"x","max_age":9}',
  'Report-To: {"group":"x","max_age":9,"endpoints":[]}',
  'Reporting-Endpoints: x="https://evil.example"',
  'Alt-Svc: h3="evil.example:443"',
  "Expect-CT: max-age=9",
  "Refresh: 0; url=https://evil.example",
  'WWW-Authenticate: Basic realm="x"',
  "Origin-Agent-Cluster: ?1",
  "Timing-Allow-Origin: *",
  "Access-Control-Allow-Private-Network: true",
];

/** What tells how the upstream is made. */
const telling: readonly string[] = [
  "Server: inner-server/1.2.3",
  "X-Powered-By: inner-language/4",
  "Via: 1.1 inner-balancer",
  'Server-Timing: inner;desc="inner-host"',
  "X-AspNet-Version: inner-9",
  "X-Envoy-Upstream-Service-Time: 7; inner",
];

/** Findings where one of the header lines has come through. */
async function findLines(bout: Bout, lines: readonly string[]): Promise<Verdict> {
  const talk = await answered(bout, answer("200 OK", lines, "x"));
  const names = lines.map((line) => line.slice(0, line.indexOf(":")));
  const headers = talk.answer?.headers ?? [];
  return verdictOf(
    names.flatMap((name, at) => {
      const value = lines[at]?.slice(name.length + 2) ?? "";
      return valuesOf(headers, name).includes(value) ? [`${name}: ${value}`] : [];
    }),
  );
}

/** Cookies and headers that the upstream sends. */
export const upstreamHeaders: readonly Attack[] = [
  {
    id: "H7-cookies",
    tries: "gets the upstream's cookies, in every form in which they come",
    needs: ["jar"],
    run: async (bout) => {
      const talk = await answered(bout, answer("200 OK", cookies(`c${bout.tag}c`), "x"));
      return verdictOf(findIn(talk, [["a cookie of the upstream", `c${bout.tag}c`]]));
    },
  },
  {
    id: "H7-cookies-by-status",
    tries: "gets the upstream's cookies out of answers that are no success",
    needs: ["jar"],
    run: async (bout) => {
      const statuses = [
        "302 Found",
        "304 Not Modified",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "500 X",
      ];
      const found: string[] = [];
      await tryAll(
        bout,
        statuses.map((status) => [status, status] as const),
        async (trial, status) => {
          const talk = await answered(trial, answer(status, cookies(`c${trial.tag}c`)));
          found.push(...findIn(talk, [[`a cookie of ${status}`, `c${trial.tag}c`]]));
        },
      );
      return verdictOf(found);
    },
  },
  {
    id: "H7-cookies-elsewhere",
    tries: "gets the upstream's cookies out of an early answer or a trailer",
    advisory: "CVE-2026-54287",
    needs: ["jar"],
    run: async (bout) => {
      const [early, late] = [bout.again(), bout.again()];
      const cookie = (trial: Bout): string => `Set-Cookie: a=c${trial.tag}c`;
      const before = await answered(
        early,
        `HTTP/1.1 103 Early Hints\r\n${cookie(early)}\r\n\r\n${plainAnswer({ method: "GET" }, "x")}`,
      );
      const behind = await answered(
        late,
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n1\r\nx\r\n0\r\n${cookie(late)}\r\n\r\n`,
      );
      return verdictOf([
        ...findIn(before, [["the cookie of a 103", `c${early.tag}c`]]),
        ...findIn(behind, [["the cookie of a trailer", `c${late.tag}c`]]),
      ]);
    },
  },
  {
    id: "H7-deletion",
    tries: "has a cookie that the upstream has deleted sent again",
    needs: ["store"],
    run: async (bout) => {
      const name = `lb-${bout.tag}`;
      const sent = async (): Promise<boolean> => {
        const trial = bout.again();
        await trial.send({});
        return trial.seen.some(({ headers }) => valuesOf(headers, "cookie").join().includes(name));
      };
      await answered(bout.again(), answer("200 OK", [`Set-Cookie: ${name}=1; Path=/`], "x"));
      const isKept = await sent();
      await answered(bout.again(), answer("200 OK", [`Set-Cookie: ${name}=; Path=/; Max-Age=0`], "x"));
      const isLeft = await sent();
      return verdictOf([
        ...(isKept ? [] : ["the cookie was not kept at all"]),
        ...(isLeft ? ["the deleted cookie was sent again"] : []),
      ]);
    },
  },
  {
    id: "H9-acting-headers",
    tries: "lets an answer act on the page's origin",
    needs: ["answers"],
    run: (bout) => findLines(bout, acting),
  },
  {
    id: "H9-preloads",
    tries: "has the page's browser load and connect at the upstream's word",
    needs: ["answers"],
    run: async (bout) => {
      const link =
        "Link: <https://evil.example/x.js>; rel=preload; as=script, <//evil.example>; rel=preconnect";
      const early = `HTTP/1.1 103 Early Hints\r\n${link}\r\n\r\n`;
      const talk = await answered(bout, early + answer("200 OK", [link], "x"));
      return verdictOf(findIn(talk, [["the preload", "evil.example"]]));
    },
  },
  {
    id: "H9-active-content",
    tries: "has HTML, SVG and what has no type run as a page of the page's origin",
    needs: ["answers"],
    run: async (bout) => {
      const types = [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "text/html;charset=x",
        "",
      ];
      const found: string[] = [];
      await tryAll(
        bout,
        types.map((type) => [type, type] as const),
        async (trial, type) => {
          const lines = type === "" ? [] : [`Content-Type: ${type}`];
          const { answer: got } = await answered(trial, answer("200 OK", lines, "<script>1</script>"));
          const policy = valuesOf(got?.headers ?? [], "content-security-policy").join();
          const disposition = valuesOf(got?.headers ?? [], "content-disposition").join();
          if (!/sandbox|default-src 'none'/.test(policy) && !disposition.startsWith("attachment"))
            found.push(`${type === "" ? "no type" : type}: may run`);
        },
      );
      return verdictOf(found);
    },
  },
  {
    id: "H10-internals",
    tries: "learns how the upstream is made",
    needs: ["answers"],
    run: (bout) => findLines(bout, telling),
  },
];
