import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Random } from "../simulation/random.ts";
import { bytes, end, pause, reset, type Move, type Step, type Trigger } from "./fuzz-case.ts";
import { anyFrame, encodeFrame } from "./frames.ts";
import { mutate, split } from "./mutate.ts";

/** An answer before it is written down. */
export interface Answer {
  readonly status: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Stand-ins of the same length, which the tenant fills in when it answers. */
export const standIn: Readonly<Record<"accept" | "session" | "port" | "mark" | "label", string>> = {
  accept: "ACCEPTACCEPTACCEPTACCEPTACC=",
  session: "secret-sid-0000000000",
  port: "tenant.localhost:00000",
  mark: `mark(${"0".repeat(22)}.${"0".repeat(8)})`,
  label: "case=--------",
};

/** The tenant's token for every user; it must never reach a browser. */
export const csrfToken = "secret-csrf-token";

const checksum = (hex: string): string => createHash("sha256").update(hex).digest("hex").slice(0, 8);

/** Shows in a body whom the tenant took the request for; the checksum tells it from one that was changed on the way. */
export function markOf(subject: string): string {
  const hex = Buffer.from(subject, "utf8").toString("hex");
  return `mark(${hex}.${checksum(hex)})`;
}

/** The subjects of all marks in a text, as the bytes of their UTF-8. */
export function markedSubjects(text: string): readonly string[] {
  return [...text.matchAll(/mark\(([0-9a-f]*)\.([0-9a-f]{8})\)/g)].flatMap(([, hex = "", sum]) =>
    checksum(hex) === sum ? [Buffer.from(hex, "hex").toString("latin1")] : [],
  );
}

const json = (mark: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      mark,
      asked: standIn.label,
      links: { self: { href: `http://${standIn.port}/api/v1/items/1` } },
      data: [{ id: "a", href: `http://${standIn.port}/api/v1/items/2?x` }],
    }),
  );

/** How a tenant that means well answers. facts §2.2, §3 */
export function properAnswer(trigger: Trigger, mark: string): Answer {
  switch (trigger) {
    case "login":
      return {
        status: "HTTP/1.1 200 OK",
        headers: [
          "Content-Type: application/json",
          `Set-Cookie: eas.sid=${standIn.session}; Path=/; HttpOnly`,
          "Set-Cookie: eas.sid.sig=secret-signature; Path=/; HttpOnly",
          "Set-Cookie: _csrfToken=secret-csrf-cookie; Path=/",
        ],
        body: Buffer.from("{}"),
      };
    case "csrf":
      return {
        status: "HTTP/1.1 204 No Content",
        headers: [`qlik-csrf-token: ${csrfToken}`],
        body: Buffer.alloc(0),
      };
    case "logout":
      return { status: "HTTP/1.1 204 No Content", headers: [], body: Buffer.alloc(0) };
    case "static":
      return {
        status: "HTTP/1.1 200 OK",
        headers: ["Content-Type: text/javascript"],
        body: Buffer.from("0;"),
      };
    case "upgrade":
      return {
        status: "HTTP/1.1 101 Switching Protocols",
        headers: ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${standIn.accept}`],
        body: encodeFrame(1, Buffer.from(mark), null),
      };
    default:
      return {
        status: "HTTP/1.1 200 OK",
        headers: ["Content-Type: application/json", 'ETag: "v1"'],
        body: json(mark),
      };
  }
}

const hasNoBody = ({ status }: Answer): boolean => / (?:1\d\d|204|304)\b/.test(status);

const head = ({ status, headers }: Pick<Answer, "status" | "headers">): string =>
  `${[status, ...headers].join("\r\n")}\r\n\r\n`;

/** Writes an answer as it should be; the frames after a 101 follow without framing. */
export function writeAnswer(answer: Answer): Buffer {
  const framed = hasNoBody(answer)
    ? answer.headers
    : [...answer.headers, `Content-Length: ${answer.body.length}`];
  return Buffer.concat([Buffer.from(head({ ...answer, headers: framed }), "latin1"), answer.body]);
}

const chunkedAnswer = (answer: Answer, pieces: readonly string[]): Buffer =>
  Buffer.from(
    head({ ...answer, headers: [...answer.headers, "Transfer-Encoding: chunked"] }) + pieces.join(""),
    "latin1",
  );

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A way of answering wrongly. */
type Recipe = (answer: Answer, random: Random) => readonly Step[];

const statusLines = [
  "HTTP/1.1 000 X",
  "HTTP/1.1 99 X",
  "HTTP/1.1 1000 X",
  "HTTP/1.1 600 X",
  "HTTP/1.1 999 X",
  "HTTP/1.1 -200 X",
  "HTTP/1.1 200",
  "HTTP/1.1  200 OK",
  "HTTP/1.1 200 \u00ff\u0001",
  "HTTP/1.0 200 OK",
  "HTTP/0.9 200 OK",
  "HTTP/2 200",
  "HTTP/1.1\t200 OK",
  "HTP/1.1 200 OK",
  "200 OK",
  "",
  "\r\n\r\nHTTP/1.1 200 OK",
  "\u0016\u0003\u0001\u0002",
  `HTTP/1.1 200 ${"r".repeat(70_000)}`,
] as const;

const statuses = [
  100, 101, 102, 103, 199, 200, 201, 202, 203, 204, 205, 206, 207, 226, 300, 301, 302, 303, 304, 305, 307,
  308, 400, 401, 403, 404, 405, 407, 408, 409, 410, 412, 413, 416, 417, 418, 421, 423, 426, 428, 431, 451,
  499, 500, 501, 502, 503, 504, 505, 511, 599,
] as const;

const headerLines = [
  "no colon",
  ": no name",
  "Space Name: x",
  "Space-Before : x",
  " folded",
  "X-Null: a\0b",
  "X-Bare: a\rb",
  "X-Feed: a\nb",
  "X-High: \u00e9\u00ff",
  "X-Del: a\u007fb",
  "Content-Length: 5\r\nContent-Length: 7",
  "content-length: 0",
  "Content-Length: -1",
  "Content-Length: 1e3",
  "Content-Length: 99999999999999999999",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: gzip, chunked",
  "Trailer: x",
  "Connection: close",
  "Connection: content-length, content-type, etag",
  "Connection: upgrade\r\nUpgrade: websocket",
  "Keep-Alive: timeout=0",
  "Keep-Alive: timeout=99999999999",
  "Content-Encoding: gzip",
  "Content-Encoding: br",
  "Content-Encoding: gzip, br",
  "Content-Type: text/html",
  "Content-Type: ;;;=",
  "Content-Type: application/json\r\nContent-Type: text/html",
  "Content-Disposition: attachment; filename*=UTF-8''%ff%00\u00ff",
  'Content-Disposition: ;;"',
  `Location: http://${standIn.port}/login?x`,
  "Location: //evil.example",
  "Location: http://[::1",
  "Location: \u00ff\u00fe%",
  "Content-Location: javascript:x",
  "ETag: W/",
  'ETag: "a", "b"',
  'ETag: "\u00ff',
  'Link: <http://[>; rel="preload", <,>;;rel=',
  "Link: <",
  "Vary: *",
  "Vary: ,,,",
  'Cache-Control: private="set-cookie, x", max-age=1e9',
  'Cache-Control: ,=,"',
  "Content-Security-Policy: frame-ancestors *; ;;default-src",
  "Content-Security-Policy: \u00ff",
  'Clear-Site-Data: "*"',
  "Access-Control-Allow-Origin: *",
  "Strict-Transport-Security: max-age=1",
  "Server-Timing: a;dur=1",
  "Retry-After: 99999999999",
  "Set-Cookie: eas.sid=; Max-Age=0; Path=/",
  "Set-Cookie: eas.sid=stolen; Domain=.localhost; Path=/",
  "Set-Cookie: =",
  "Set-Cookie: a",
  `Set-Cookie: a=${"v".repeat(9000)}`,
  Array.from({ length: 300 }, (_, at) => `Set-Cookie: c${at}=${"v".repeat(100)}`).join("\r\n"),
  Array.from({ length: 2500 }, (_, at) => `X-${at}: y`).join("\r\n"),
  `X-Long: ${"l".repeat(70_000)}`,
] as const;

const bodies: readonly ((text: string) => Buffer)[] = [
  (text) => gzipSync(text),
  (text) => gzipSync(text).subarray(0, 20),
  (text) => Buffer.concat([gzipSync(text), Buffer.from("trailing")]),
  (text) => Buffer.concat([gzipSync(text), gzipSync(text)]),
  () => gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20)),
  () => Buffer.from("\x1f\x8b\x08\x00nonsense", "latin1"),
  () => Buffer.alloc(0),
  () => Buffer.from("[".repeat(20_000)),
  () => Buffer.from(`{"href":"http://${standIn.port}`),
  () => Buffer.from(`{"href":"http:\\/\\/${standIn.port}\\/x","links":[{"a":"\\ud800"}]}`),
  () => Buffer.from('{"errors":[{"code":"CSRF-TOKEN-2"}],"code":"CSRF-TOKEN-2"}'),
  () => Buffer.from('{"errors":[{"code":"AUTH-5"}]}'),
  () => Buffer.from(`"${"\\".repeat(5001)}"`),
  () => Buffer.alloc(100_000, 0x7a),
];

const withHeaders = (answer: Answer, random: Random): Answer => ({
  ...answer,
  headers: [
    ...answer.headers,
    ...Array.from({ length: 1 + random.below(3) }, () => random.pick(headerLines)),
  ],
});

const withBody = (answer: Answer, random: Random): Answer => {
  const make = bodies[random.below(bodies.length)];
  const coded = random.pick(["Content-Encoding: gzip", "Content-Encoding: gzip", "Content-Encoding: br", ""]);
  return {
    ...answer,
    headers: coded === "" ? answer.headers : [...answer.headers, coded],
    body: make?.(answer.body.toString("latin1")) ?? answer.body,
  };
};

const withStatus = (answer: Answer, random: Random): Answer => ({
  ...answer,
  status: `HTTP/1.1 ${random.pick(statuses)} Odd`,
});

const hints = (random: Random): string =>
  "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n".repeat(
    random.chance(0.9) ? 1 + random.below(60) : 3000,
  );

const brokenChunks: readonly ((text: string) => readonly string[])[] = [
  (text) => ["zz\r\n", text],
  (text) => [`${(text.length + 5).toString(16)}\r\n`, text, "\r\n0\r\n\r\n"],
  (text) => [`${text.length.toString(16)}\r\n${text}0\r\n\r\n`],
  (text) => ["ffffffffffffffffff\r\n", text],
  (text) => ["-5\r\n", text],
  (text) => [chunk(text), "0\r\nbad trailer\r\n\r\n"],
  (text) => [chunk(text), "0\r\nSet-Cookie: a=b\r\nX: y\r\n\r\n"],
  (text) => [`${text.length.toString(16)};e="${"x".repeat(20_000)}"\r\n${text}\r\n0\r\n\r\n`],
  (text) => Array.from(text, chunk).concat("0\r\n\r\n"),
];

const unasked = [
  "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen",
  "\r\n",
  "x",
  "\0",
  "HTTP/1.1 408 T\r\n\r\n",
] as const;

/** Every way of answering wrongly, whatever was asked. */
const recipes: readonly [Recipe, ...Recipe[]] = [
  (answer, random) => split(mutate(writeAnswer(answer), random, 1 + random.below(5)), random),
  (answer, random) => split(mutate(writeAnswer(answer), random, 1), random),
  (answer, random) => split(writeAnswer({ ...answer, status: random.pick(statusLines) }), random),
  (answer, random) => split(writeAnswer(withHeaders(answer, random)), random),
  (answer, random) => split(writeAnswer(withHeaders(withHeaders(answer, random), random)), random),
  (answer, random) => split(writeAnswer(withStatus(answer, random)), random),
  (answer, random) => split(writeAnswer(withBody(withStatus(answer, random), random)), random),
  (answer, random) => split(writeAnswer(withBody(answer, random)), random),
  (answer, random) => split(writeAnswer(withBody(withHeaders(answer, random), random)), random),
  (answer, random) => {
    const pieces = brokenChunks[random.below(brokenChunks.length)]?.(answer.body.toString("latin1")) ?? [];
    return [...split(chunkedAnswer(answer, pieces), random), ...(random.chance(0.5) ? [end] : [])];
  },
  (answer, random) => [bytes(hints(random)), ...split(writeAnswer(answer), random)],
  (_answer, random) => [bytes(hints(random)), random.pick([end, reset])],
  (answer, random) =>
    split(Buffer.concat([writeAnswer(answer), writeAnswer(withStatus(answer, random))]), random),
  (answer, random) => [bytes(writeAnswer(answer)), pause(random.below(40)), bytes(random.pick(unasked))],
  (answer, random) => [bytes(writeAnswer(answer)), random.pick([end, reset])],
  (answer, random) => [
    bytes(writeAnswer(answer).subarray(0, 5 + random.below(60))),
    random.pick([end, reset]),
  ],
  (answer, random) => [pause(20 + random.below(150)), bytes(writeAnswer(answer))],
  (answer, random) => [bytes(head(answer)), bytes(answer.body), random.pick([end, reset])],
  (_answer, random) => [random.pick([end, reset])],
  (_answer, random) => [
    bytes(Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)))),
  ],
];

/** The same for what comes after a 101. */
const socketRecipes: readonly [Recipe, ...Recipe[]] = [
  (answer, random) => split(Buffer.concat([writeAnswer(answer), ...someFrames(random, false)]), random),
  (answer, random) => [
    ...split(writeAnswer(answer), random),
    ...split(Buffer.concat(someFrames(random, false)), random),
  ],
  (answer, random) => [
    bytes(writeAnswer(answer)),
    ...split(mutate(Buffer.concat(someFrames(random, false)), random, 1 + random.below(4)), random),
    ...(random.chance(0.5) ? [random.pick([end, reset])] : []),
  ],
  (answer, random) => [bytes(writeAnswer(answer)), pause(random.below(30)), random.pick([end, reset])],
  (answer) => [bytes(head({ ...answer, headers: answer.headers.slice(0, 2) })), bytes(answer.body)],
  (answer) => [
    bytes(writeAnswer({ ...answer, headers: [...answer.headers, "Sec-WebSocket-Protocol: unasked"] })),
  ],
  (answer) => [
    bytes(writeAnswer({ ...answer, headers: [...answer.headers, "Sec-WebSocket-Extensions: x-odd"] })),
  ],
  (answer) => [
    bytes(
      writeAnswer({
        ...answer,
        headers: [...answer.headers, `Set-Cookie: eas.sid=${standIn.session}; Path=/`],
      }),
    ),
  ],
  (answer) => [bytes(head(answer)), bytes(encodeFrame(8, Buffer.from([0x10, 0x6b]), null))],
  (answer, random) => [
    bytes(
      writeAnswer({
        status: `HTTP/1.1 ${random.pick(statuses)} Refused`,
        headers: answer.headers,
        body: answer.body,
      }),
    ),
  ],
];

/** A few frames in a row. */
export function someFrames(random: Random, isMasked: boolean): readonly Buffer[] {
  return Array.from({ length: 1 + random.below(6) }, () => anyFrame(random, isMasked));
}

/** What a hostile tenant does when it is asked. */
export function hostileMove(trigger: Trigger, random: Random): Move {
  const proper = properAnswer(trigger, standIn.mark);
  const recipe =
    trigger === "upgrade" && random.chance(0.6) ? random.pick(socketRecipes) : random.pick(recipes);
  return { at: random.chance(0.12) ? "head" : "end", steps: recipe(proper, random) };
}

/** A whole head and a body that is cut off: no browser may take it for the whole. attacks M5 */
export function cutMove(random: Random): Move {
  const proper = properAnswer("rest", standIn.mark);
  const text = proper.body.toString("latin1");
  const stop = 1 + random.below(text.length - 1);
  const cut = [
    writeAnswer(proper).subarray(0, -stop),
    chunkedAnswer(proper, [chunk(text).slice(0, -stop - 2)]),
    chunkedAnswer(proper, [chunk(text)]),
    chunkedAnswer(proper, [chunk(text), "5\r\nab"]),
  ] as const;
  return { at: "end", steps: [...split(random.pick(cut), random), random.pick([end, end, reset])] };
}
