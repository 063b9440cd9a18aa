import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { chunk, chunked, type SmugglingVariant, smugglesNothing } from "./trials.ts";

/** The head of a request to the writable path, with these lines about its body. */
const head = (bout: Bout, method: string, lines: readonly string[]): string =>
  bout.head({ method, target: bout.write, lines });

/** A body that hides a request, framed by chunks. */
const inChunks =
  (method: string, lines: readonly string[] = []): SmugglingVariant[1] =>
  (bout, hidden) =>
    head(bout, method, ["Transfer-Encoding: chunked", ...lines]) + chunked(hidden);

/** The same, framed by a length. */
const inLength =
  (method: string, lines: readonly string[] = []): SmugglingVariant[1] =>
  (bout, hidden) =>
    head(bout, method, [`Content-Length: ${hidden.length}`, ...lines]) + hidden;

/** Lines about the length beside which the hidden request stands bare. */
const around =
  (lines: (hidden: string) => readonly string[], body: (hidden: string) => string): SmugglingVariant[1] =>
  (bout, hidden) =>
    head(bout, "POST", lines(hidden)) + body(hidden);

const smuggling = (
  id: string,
  tries: string,
  variants: readonly SmugglingVariant[],
  advisory?: string,
): Attack => ({
  id,
  tries,
  ...(advisory === undefined ? {} : { advisory }),
  run: (bout) => smugglesNothing(bout, variants),
});

/** Codings that some reader takes for chunks and another does not. */
const codings = [
  "xchunked",
  "chunked, identity",
  "identity, chunked",
  "chunked, chunked",
  "gzip, chunked",
  "chunked;q=1",
  '"chunked"',
  "chunk",
  "CHUNKED\x0b",
  "\x0bchunked",
  "chunked\x00",
  ", chunked",
];

/** Lengths that some reader counts in another way. */
const lengths = (length: number): string[] => [
  `+${length}`,
  `-${length}`,
  `0x${length.toString(16)}`,
  `${length},${length}`,
  `${length}, 0`,
  `${length}.0`,
  `${length}e0`,
  ` ${length}x`,
  "",
  "99999999999999999999999",
];

/** Bodies whose chunks are not what their sizes say. */
const chunkTricks: readonly SmugglingVariant[] = [
  [
    "a size in 0x",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `0x0\r\n\r\n${hidden}`,
    ),
  ],
  [
    "a signed size",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `+0\r\n\r\n${hidden}`,
    ),
  ],
  [
    "a negative size",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `-1\r\n\r\n${hidden}`,
    ),
  ],
  [
    "a size beyond counting",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `10000000000000000\r\n${hidden}\r\n0\r\n\r\n`,
    ),
  ],
  [
    "LF behind the size",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `0\n\n${hidden}`,
    ),
  ],
  [
    "CR behind the size",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `0\r\r${hidden}`,
    ),
  ],
  [
    "LF in an extension",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `1;a\nx\r\n0\r\n\r\n${hidden}`,
    ),
  ],
  [
    "a chunk longer than it says",
    around(
      () => ["Transfer-Encoding: chunked"],
      (hidden) => `1\r\nxyz\r\n0\r\n\r\n${hidden}`,
    ),
  ],
  [
    "an extension that closes the body",
    (bout, hidden) =>
      head(bout, "POST", ["Transfer-Encoding: chunked"]) +
      `${hidden.length.toString(16)};x="\r\n0\r\n\r\n"\r\n${hidden}\r\n0\r\n\r\n`,
  ],
  [
    "a request in the trailers",
    (bout, hidden) =>
      `${head(bout, "POST", ["Transfer-Encoding: chunked"])}${chunk("x")}0\r\nX: y\n\n${hidden}\r\n`,
  ],
];

/** Requests whose end is a matter of opinion. */
export const framing: readonly Attack[] = [
  ...["GET", "HEAD", "DELETE", "OPTIONS", "POST"].map((method) =>
    smuggling(
      `M1-chunks-of-${method.toLowerCase()}`,
      `hides a request in the chunks of a ${method}`,
      [
        ["chunks", inChunks(method)],
        ["a length", inLength(method)],
      ],
      "CVE-2026-29057, GHSA-ggv3",
    ),
  ),
  smuggling(
    "M1-framing-in-connection",
    "has the framing taken off by naming it in Connection",
    [
      ["chunks", inChunks("DELETE", ["Connection: keep-alive, transfer-encoding"])],
      ["a length", inLength("DELETE", ["Connection: keep-alive, content-length"])],
      ["a post", inChunks("POST", ["Connection: transfer-encoding"])],
      ["a post with a length", inLength("POST", ["Connection: content-length"])],
      ["with an upgrade", inChunks("POST", ["Connection: transfer-encoding, upgrade", "Upgrade: h2c"])],
    ],
    "GHSA-ggv3",
  ),
  smuggling("M2-length-and-chunks", "sends a length and chunks", [
    [
      "length first",
      around(
        (hidden) => [`Content-Length: ${5 + hidden.length}`, "Transfer-Encoding: chunked"],
        (hidden) => `0\r\n\r\n${hidden}`,
      ),
    ],
    [
      "chunks first",
      around(
        () => ["Transfer-Encoding: chunked", "Content-Length: 4"],
        (hidden) => chunked(hidden),
      ),
    ],
  ]),
  smuggling("M2-two-lengths", "sends two lengths, equal or not", [
    [
      "0 last",
      around(
        (hidden) => [`Content-Length: ${hidden.length}`, "Content-Length: 0"],
        (hidden) => hidden,
      ),
    ],
    [
      "0 first",
      around(
        (hidden) => ["Content-Length: 0", `Content-Length: ${hidden.length}`],
        (hidden) => hidden,
      ),
    ],
    [
      "equal",
      around(
        (hidden) => [`Content-Length: ${hidden.length}`, `Content-Length: ${hidden.length}`],
        (hidden) => hidden,
      ),
    ],
  ]),
  smuggling(
    "M2-lengths-by-case",
    "sends two lengths under names that differ in case",
    [
      [
        "lower case last",
        around(
          (hidden) => [`Content-Length: ${hidden.length}`, "content-length: 0"],
          (hidden) => hidden,
        ),
      ],
      [
        "lower case first",
        around(
          (hidden) => ["content-length: 0", `CONTENT-LENGTH: ${hidden.length}`],
          (hidden) => hidden,
        ),
      ],
    ],
    "CVE-2026-1525",
  ),
  smuggling(
    "M2-odd-lengths",
    "sends lengths that are no plain number",
    Array.from({ length: lengths(1).length }, (_, at): SmugglingVariant => [
      `"${lengths(64)[at] ?? ""}"`,
      around(
        (hidden) => [`Content-Length:${lengths(hidden.length)[at] ?? ""}`],
        (hidden) => hidden,
      ),
    ]),
  ),
  smuggling(
    "M2-odd-codings",
    "sends codings that only some read as chunks",
    codings.map((coding): SmugglingVariant => [
      JSON.stringify(coding),
      around(
        () => [`Transfer-Encoding: ${coding}`],
        (hidden) => chunked(hidden),
      ),
    ]),
  ),
  smuggling("M2-odd-lines", "writes the framing in lines that only some read", [
    [
      "a space before the colon",
      around(
        (hidden) => [`Content-Length: ${hidden.length + 5}`, "Transfer-Encoding : chunked"],
        (hidden) => `0\r\n\r\n${hidden}`,
      ),
    ],
    [
      "a folded coding",
      around(
        () => ["Transfer-Encoding:", " chunked"],
        (hidden) => chunked(hidden),
      ),
    ],
    [
      "a folded line before it",
      around(
        (hidden) => ["X-A: b", `\tContent-Length: ${hidden.length}`],
        (hidden) => hidden,
      ),
    ],
    [
      "a bare CR before it",
      around(
        (hidden) => [`X-A: b\rContent-Length: ${hidden.length}`],
        (hidden) => hidden,
      ),
    ],
    [
      "an LF before it",
      around(
        (hidden) => [`X-A: b\nContent-Length: ${hidden.length}`],
        (hidden) => hidden,
      ),
    ],
    [
      "a name with a control",
      around(
        (hidden) => [`Content-Length\x00: ${hidden.length}`],
        (hidden) => hidden,
      ),
    ],
    [
      "a name with an underscore",
      around(
        (hidden) => ["Content-Length: 0", `Content_Length: ${hidden.length}`],
        (hidden) => hidden,
      ),
    ],
  ]),
  smuggling("M2-bare-lf", "ends its lines with LF alone", [
    [
      "all lines",
      (bout, hidden) => head(bout, "POST", ["Content-Length: 1"]).replaceAll("\r\n", "\n") + `x${hidden}`,
    ],
    [
      "the last",
      (bout, hidden) => head(bout, "POST", ["Content-Length: 1"]).replace(/\r\n\r\n$/, "\n\n") + `x${hidden}`,
    ],
    [
      "CR alone",
      (bout, hidden) => head(bout, "POST", ["Content-Length: 1"]).replaceAll("\r\n", "\r") + `x${hidden}`,
    ],
  ]),
  smuggling("M2-chunk-tricks", "writes chunks that only some read to the end", chunkTricks),
  smuggling("M2-old-protocols", "speaks HTTP/1.0, 0.9, and none", [
    ["chunks in HTTP/1.0", (bout, hidden) => inChunks("POST")(bout, hidden).replace("HTTP/1.1", "HTTP/1.0")],
    ["HTTP/0.9", (bout, hidden) => inLength("POST")(bout, hidden).replace(" HTTP/1.1", "")],
    ["HTTP/1.2", (bout, hidden) => inChunks("DELETE")(bout, hidden).replace("HTTP/1.1", "HTTP/1.2")],
    ["HTTP/3.7", (bout, hidden) => inChunks("DELETE")(bout, hidden).replace("HTTP/1.1", "HTTP/3.7")],
    ["two spaces", (bout, hidden) => inLength("POST")(bout, hidden).replace(" HTTP/1.1", "  HTTP/1.1")],
    [
      "something behind it",
      (bout, hidden) => inLength("POST")(bout, hidden).replace("HTTP/1.1", "HTTP/1.1 x"),
    ],
  ]),
  smuggling("M6-expectations", "withholds a body that it has announced, and hides a request in it", [
    ["100-continue", inChunks("POST", ["Expect: 100-continue"])],
    ["on a GET", inLength("GET", ["Expect: 100-continue"])],
    ["on a DELETE", inChunks("DELETE", ["Expect: 100-continue"])],
    ["an unknown one", inLength("POST", ["Expect: 200-maybe"])],
    ["two", inChunks("POST", ["Expect: 100-continue", "Expect: 100-continue"])],
  ]),
];
