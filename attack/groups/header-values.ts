import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { verdictOf } from "../verdict.ts";
import { valueOf } from "../wire/headers.ts";
import { handshakeLines } from "../wire/sockets.ts";
import { tryAll, type Variant } from "./trials.ts";
import { upgrade } from "./upgrades.ts";

/** How long an answer to bytes that are no sound request is waited for. Milliseconds. */
const shortWait = 2000;

/** Findings where a reading of what reached the upstream has the header that the client wanted to add. */
const findInjected = (trials: readonly { readonly what: string; readonly trial: Bout }[]): string[] =>
  trials.flatMap(({ what, trial }) => {
    const read = trial.upstream
      .readsOf(trial.tag)
      .find(({ head }) => valueOf(head.headers, "x-injected") !== undefined);
    return read ? [`${what}: X-Injected is read (${read.reading})`] : [];
  });

/** Values with what ends a line for some reader. */
const breaks: readonly (readonly [what: string, text: string])[] = [
  ["CR", "\r"],
  ["LF", "\n"],
  ["CR LF and a space", "\r\n "],
  ["NUL", "\0"],
  ["vertical tab", "\v"],
  ["NEL", "\x85"],
  ["LF of two bytes", "\xe5\x98\x8a"],
];

const injecting = (text: string): string => `X-Note: a${text}X-Injected: 1`;

/** A header block of so many lines, or of one so long. */
const manyLines = (count: number): string[] => Array.from({ length: count }, (_, at) => `X-N${at}: 1`);

/** What stands in header values, and how much of it. */
export const headerValues: readonly Attack[] = [
  {
    id: "H5-line-breaks",
    tries: "adds a header by ending a line inside a value",
    run: async (bout) => {
      const trials = await tryAll(
        bout,
        breaks.filter(([what]) => what !== "LF"),
        (trial, text) => trial.send({ lines: [injecting(text)] }, { ms: shortWait }),
      );
      return verdictOf(findInjected(trials));
    },
  },
  {
    id: "H5-escaped-line-breaks",
    tries: "adds a header by an escaped line break in the path or the query",
    run: async (bout) => {
      const { readPath, prefix } = bout.target;
      const injected = "%0d%0aX-Injected:%201";
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["query", (trial) => ({ target: `${trial.read}&a=${injected}` })],
          ["path", (trial) => ({ target: `${prefix}${readPath}/${injected}?attack=${trial.tag}` })],
          [
            "LF in a path",
            (trial) => ({ target: `${prefix}${readPath}/%0aX-Injected:1?attack=${trial.tag}` }),
          ],
          ["twice escaped", (trial) => ({ target: `${trial.read}&a=%250d%250aX-Injected:1` })],
          // U+010D and U+010A, whose low bytes are CR and LF.
          ["beyond ASCII", (trial) => ({ target: `${trial.read}&a=\xc4\x8d\xc4\x8aX-Injected:1` })],
        ],
        (trial, ask) => trial.send(ask(trial), { ms: shortWait }),
      );
      return verdictOf(findInjected(trials));
    },
  },
  {
    id: "H5-upgrade-values",
    tries: "adds a header by a line break in the values of an upgrade",
    advisory: "CVE-2026-1527",
    uses: ["socketPath"],
    run: async (bout) => {
      const [connection = "", asked = "", version = "", key = ""] = handshakeLines();
      const protocol = (text: string): string => `Sec-WebSocket-Protocol: a${text}X-Injected: 1`;
      const trials = await tryAll(
        bout,
        [
          ["CR in a sub-protocol", [connection, asked, version, key, protocol("\r")]],
          ["NUL in a sub-protocol", [connection, asked, version, key, protocol("\0")]],
          ["CR in Upgrade", [connection, `${asked}\rX-Injected: 1`, version, key]],
          ["a folded key", [connection, asked, version, `${key}\r\n X-Injected: 1`]],
        ] as const,
        (trial, handshake) => trial.send(upgrade(trial, { handshake }), { ms: shortWait }),
      );
      return verdictOf(findInjected(trials));
    },
  },
  {
    id: "H6-many-headers",
    tries: "hides what is to be judged behind more headers than a parser keeps",
    advisory: "CVE-2024-37890",
    run: async (bout) => {
      const lines = [...manyLines(2500), `Origin: ${bout.target.foreign}`];
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["a request", () => ({ lines })],
          [
            "no user in front",
            (trial) => ({ as: "nobody", lines: [...manyLines(2500), ...trial.target.user.lines] }),
          ],
        ],
        (trial, ask) => trial.send(ask(trial), { ms: shortWait }),
      );
      const isGuarded = bout.target.claims.has("site-guard");
      return verdictOf(
        trials.flatMap(({ what, trial }) =>
          trial.seen
            .filter(({ owner }) => owner !== "user" || (isGuarded && what === "a request"))
            .map(({ owner }) => `${what}: went on with the credential of ${owner}`),
        ),
      );
    },
  },
  {
    id: "H6-large-headers",
    tries: "sends a head of 512 KiB",
    run: async (bout) => {
      const { text } = await bout.send({ lines: [`X-Large: ${"x".repeat(512 * 1024)}`] }, { ms: 4000 });
      await bout.settle();
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      return verdictOf([
        ...bout.seen.map(() => "the head reached the upstream"),
        ...(status?.startsWith("2") ? [`it was answered ${status}`] : []),
      ]);
    },
  },
  {
    id: "H6-prototype-names",
    tries: "sends headers with the names of an object's own machinery",
    advisory: "CVE-2026-21710",
    run: async (bout) => {
      const lines = ["__proto__: x", "constructor: x", "toString: x", "hasOwnProperty: x"];
      await tryAll<Variant[1]>(
        bout,
        [
          ["request", () => ({ lines })],
          ["upgrade", (trial) => upgrade(trial, { lines })],
        ],
        (trial, ask) => trial.send(ask(trial), { ms: shortWait }),
      );
      // What is attacked is the process; the suite looks after every attack whether it serves.
      return verdictOf([]);
    },
  },
];
