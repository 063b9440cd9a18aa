import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { held, type Verdict, verdictOf } from "../verdict.ts";
import { mayBeReadAs, mayClimbOut } from "../wire/path-readings.ts";
import { tryAll } from "./trials.ts";

/** One wording of a path, below the prefix or with it. */
type Wording = readonly [what: string, target: string];

/** How long an answer to a target that is no HTTP is waited for. Milliseconds. */
const shortWait = 3000;

/** Tries every wording of each denied path; holds if the upstream sees none that it could read as that path. */
async function keepsDenied(bout: Bout, wordingsOf: (denied: string) => readonly Wording[]): Promise<Verdict> {
  const { prefix, deniedPaths } = bout.target;
  const wordings = deniedPaths
    .slice(0, 2)
    .flatMap((denied) => wordingsOf(denied).map(([what, path]) => [what, { denied, path }] as const));
  const reached: string[] = [];
  await tryAll(bout, wordings, async (trial, { denied, path }) => {
    const target = `${prefix}${path}${path.includes("?") ? "&" : "?"}attack=${trial.tag}`;
    await trial.send({ target }, { ms: shortWait });
    for (const seen of trial.seen) {
      if (mayBeReadAs(seen.target, denied))
        reached.push(`${target}: the upstream was asked for ${seen.target}`);
    }
  });
  return verdictOf(reached);
}

/** From below the readable path up to a denied one, with dots and slashes as given. */
const climbs =
  (dots: readonly string[], slash = "/") =>
  ({ target: { readPath } }: Bout) =>
  (denied: string): Wording[] =>
    dots.map((dot) => {
      const up = `${slash}${dot}`.repeat(readPath.split("/").length - 1);
      return [dot, `${readPath}${up}${slash === "/" ? denied : denied.replaceAll("/", slash)}`];
    });

const deniedPathAttack = (
  id: string,
  tries: string,
  wordings: (bout: Bout) => (denied: string) => readonly Wording[],
  advisory?: string,
): Attack => ({
  id,
  tries,
  needs: ["policy"],
  uses: ["deniedPaths"],
  ...(advisory === undefined ? {} : { advisory }),
  run: (bout) => keepsDenied(bout, wordings(bout)),
});

/** Paths that are read in more than one way. */
export const paths: readonly Attack[] = [
  deniedPathAttack(
    "P1-query-and-fragment",
    "names an offered path in the query or behind a number sign of a denied one",
    ({ target: { readPath } }) =>
      (denied) => [
        ["query", `${denied}?path=${readPath}`],
        ["query as path", `${denied}?${readPath}`],
        ["fragment", `${denied}#${readPath}`],
        ["escaped fragment", `${denied}%23${readPath}`],
        ["escaped query", `${denied}%3F${readPath}`],
        ["semicolon", `${denied};${readPath}`],
      ],
    "CVE-2025-54576, GHSA-pxq7",
  ),
  deniedPathAttack("P2-dot-segments", "climbs by dot segments", climbs(["..", "./..", "...", "../."])),
  deniedPathAttack(
    "P2-escaped-dots",
    "climbs by escaped dot segments",
    climbs(["%2e%2e", "%2E.", ".%2e", "%2e%2E%2f.", "%2e/%2e%2e"]),
    "CVE-2021-21322",
  ),
  deniedPathAttack(
    "P2-twice-escaped",
    "climbs by what appears only after a second or third decoding",
    climbs(["%252e%252e", "%25252e%25252e", "%252e.", "%25%32%65%252e"]),
  ),
  deniedPathAttack(
    "P2-escaped-slashes",
    "climbs by escaped slashes",
    (bout) => (denied) => [
      ...climbs([".."], "%2f")(bout)(denied),
      ...climbs([".."], "%252f")(bout)(denied),
      ...climbs(["%2e%2e"], "%2F")(bout)(denied),
    ],
    "CVE-2026-6414, GHSA-c4qr",
  ),
  deniedPathAttack(
    "P2-backslashes",
    "climbs by backslashes, plain and escaped",
    (bout) => (denied) => [
      ...climbs([".."], "\\")(bout)(denied),
      ...climbs([".."], "%5c")(bout)(denied),
      ...climbs(["..\\..", "..%5c..", "..%255c.."])(bout)(denied),
    ],
    "CVE-2026-85124",
  ),
  deniedPathAttack("P2-double-slashes", "hides a denied path behind empty segments", () => (denied) => [
    ["in front", `/${denied}`],
    ["inside", denied.replaceAll("/", "//")],
    ["escaped", denied.replaceAll("/", "/%2f")],
    ["with a dot", `/.${denied}`],
  ]),
  deniedPathAttack(
    "P2-path-parameters",
    "climbs by dot segments with parameters",
    climbs(["..;", "..;x=1", "%2e%2e;", "..%3b", ".;/..;"]),
  ),
  deniedPathAttack(
    "P2-overlong",
    "climbs by overlong UTF-8",
    climbs(["%c0%ae%c0%ae", "%c0%2e%c0%2e", "..%c0%af..", "%e0%80%ae%e0%80%ae"]),
  ),
  {
    id: "P2-controls",
    tries: "puts controls, spaces and bytes beyond ASCII into a path",
    needs: ["policy"],
    run: async (bout) => {
      const { readPath, prefix } = bout.target;
      const odd = ["\0", "\t", " ", "\x7f", "\xff", "\x0b", "%00", "%09", "%0a", "%7f"];
      const trials = await tryAll(
        bout,
        odd.map((each) => [JSON.stringify(each), each] as const),
        (trial, each) =>
          trial.send({ target: `${prefix}${readPath}/a${each}b?attack=${trial.tag}` }, { ms: shortWait }),
      );
      return verdictOf(
        trials.flatMap(({ what, trial }) => trial.seen.map(({ line }) => `${what}: went on as ${line}`)),
      );
    },
  },
  deniedPathAttack("P3-spelling", "spells a denied path another way", () => (denied) => [
    ["upper case", denied.toUpperCase()],
    ["one letter in upper case", denied.replace(/[a-z](?=[^/]*$)/, (letter) => letter.toUpperCase())],
    ["one letter escaped", denied.replace(/([a-z])$/, (letter) => `%${letter.charCodeAt(0).toString(16)}`)],
    ["slash at the end", `${denied}/`],
    ["dot at the end", `${denied}.`],
    ["dot segment at the end", `${denied}/.`],
    ["escaped space at the end", `${denied}%20`],
    ["parameter", `${denied};x=1`],
    ["suffix", `${denied}.json`],
    ["something below", `${denied}/me/../x`],
    ["NUL", `${denied}%00.css`],
  ]),
  {
    id: "P4-prefix-look-alikes",
    tries: "goes by paths that only begin like the prefix",
    uses: ["prefix"],
    run: async (bout) => {
      const { prefix, readPath } = bout.target;
      const looks = [`${prefix}evil`, `${prefix}.`, `${prefix};x`, `${prefix}%20`, `/x${prefix}`, ""];
      const trials = await tryAll(
        bout,
        looks.map((each) => [`${each}${readPath}`, `${each}${readPath}`] as const),
        (trial, path) => trial.send({ target: `${path}?attack=${trial.tag}` }),
      );
      return verdictOf(
        trials.flatMap(({ what, trial }) => trial.seen.map(({ target }) => `${what}: went on as ${target}`)),
      );
    },
  },
  {
    id: "P5-leaves-prefix",
    tries: "leaves the prefix by what only a decoding shows",
    advisory: "GHSA-c4qr",
    needs: ["policy"],
    uses: ["prefix"],
    run: async (bout) => {
      const { prefix, readPath } = bout.target;
      const ways = ["/..", "/%2e%2e", "/..%2f", "/%2e%2e%2f", "/..%5c", "/.%252e", "/..;", "\\.."];
      const trials = await tryAll(
        bout,
        ways.map((each) => [each, `${prefix}${each}${readPath}`] as const),
        (trial, path) => trial.send({ target: `${path}?attack=${trial.tag}` }, { ms: shortWait }),
      );
      return verdictOf(
        trials.flatMap(({ what, trial }) =>
          trial.seen
            .filter(({ target }) => mayClimbOut(target))
            .map(({ target }) => `${what}: the upstream was asked for ${target}`),
        ),
      );
    },
  },
  {
    id: "P6-escapes-inside-ids",
    tries: "has escapes inside an id decoded on the way, so that another path travels than was matched",
    advisory: "CVE-2026-120213",
    needs: ["policy"],
    run: async (bout) => {
      const id = "/a%2Fb%3Ftransient%3D%23c";
      await bout.send({ target: bout.at(`${bout.target.readPath}${id}`) });
      const changed = bout.seen.filter(({ target }) => !target.startsWith(`${bout.target.readPath}${id}?`));
      return changed.length === 0 ? held() : verdictOf(changed.map(({ target }) => `went on as ${target}`));
    },
  },
];
