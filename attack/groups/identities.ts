import type { Attack } from "../attack.ts";
import { verdictOf } from "../verdict.ts";
import { valueOf } from "../wire/headers.ts";
import { identityOf } from "./headers.ts";
import { refusesAll, tryAll, type Variant } from "./trials.ts";
import { upgrade } from "./upgrades.ts";

/** Names that people, or a careless comparison, would take for the given one. */
const lookAlikes = (name: string): string[] => [
  name.toUpperCase(),
  name.replace(/a/, "\xd0\xb0"),
  `${name}\xc2\xa0`,
  `\xe2\x80\x8b${name}`,
  `${name}\xe3\x80\x80`,
  `${name}@evil.example`,
  `${name}@a@b`,
  `${name}\x00`,
  `${name};x`,
  `${name},${name}x`,
  `"${name}"`,
  encodeURIComponent(name).replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`),
];

/** Callers that a proxy may be tempted to let in unasked. */
const privileged: readonly (readonly [what: string, lines: readonly string[]])[] = [
  ["a health check's User-Agent", ["User-Agent: GoogleHC/1.0"]],
  ["another's", ["User-Agent: kube-probe/1.30"]],
  ["a load balancer's", ["User-Agent: ELB-HealthChecker/2.0"]],
  ["an internal header", ["X-Middleware-Subrequest: middleware:middleware:middleware"]],
  ["a local address", ["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1"]],
  ["the proxy's own name", ["Host: localhost"]],
  ["an empty token", ["Authorization: Bearer"]],
];

/** Who somebody is, and what goes without saying who. */
export const identities: readonly Attack[] = [
  {
    id: "A7-look-alikes",
    tries: "comes under names that resemble the user's",
    advisory: "CVE-2026-40574",
    needs: ["identity"],
    run: async (bout) => {
      const { name, value } = identityOf(bout.target.user.lines);
      const trials = await tryAll(
        bout,
        lookAlikes(value).map((each) => [each, each] as const),
        (trial, each) => trial.send({ as: "nobody", lines: [`${name}: ${each}`] }),
      );
      return verdictOf(
        trials.flatMap(({ what, trial }) =>
          trial.seen.some(({ owner }) => owner.includes("user")) ? [`"${what}" was taken for the user`] : [],
        ),
      );
    },
  },
  {
    id: "A8-two-identities",
    tries: "comes as two users at once",
    needs: ["identity"],
    uses: ["other"],
    run: (bout) => {
      const { user, other = user } = bout.target;
      const { name } = identityOf(user.lines);
      return refusesAll(bout, [
        ["user first", () => ({ as: "nobody", lines: [...user.lines, ...other.lines] })],
        ["other first", () => ({ as: "nobody", lines: [...other.lines, ...user.lines] })],
        ["an empty one first", () => ({ as: "nobody", lines: [`${name}: `, ...user.lines] })],
        ["upgrade", (trial) => upgrade(trial, { as: "nobody", lines: [...user.lines, ...other.lines] })],
      ]);
    },
  },
  {
    id: "A8-untrusted-peer",
    tries: "says who the user is from an address whose word does not count",
    advisory: "CVE-2026-76835",
    needs: ["trusted-peers"],
    uses: ["untrustedAddress"],
    run: async (bout) => {
      const from = { localAddress: bout.target.untrustedAddress ?? "" };
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["request", () => ({})],
          [
            "with a forwarded address",
            () => ({ lines: ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"] }),
          ],
          ["upgrade", (trial) => upgrade(trial)],
        ],
        (trial, ask) => trial.talk(trial.bytes(ask(trial)), ["GET"], { from }),
      );
      return verdictOf(
        trials.flatMap(({ what, trial }) =>
          trial.seen.map(({ owner }) => `${what}: was believed to be the ${owner}`),
        ),
      );
    },
  },
  {
    id: "A8-aliases",
    tries: "says who the user is by a header whose name only resembles the right one",
    advisory: "CVE-2025-64484",
    needs: ["identity"],
    run: async (bout) => {
      const { name, value } = identityOf(bout.target.user.lines);
      const names = [
        name.replaceAll("-", "_"),
        `${name}-`,
        `X-${name}`,
        name.replaceAll("-", "."),
        `${name}_`,
      ];
      return refusesAll(
        bout,
        names.map((each): Variant => [each, () => ({ as: "nobody", lines: [`${each}: ${value}`] })]),
      );
    },
  },
  {
    id: "A9-exempt-callers",
    tries: "gets in without a user as somebody who need not say who it is",
    advisory: "CVE-2026-34457, CVE-2025-29927",
    needs: ["users"],
    run: async (bout) => {
      const { readPath } = bout.target;
      const callers = privileged.map(([what, lines]): Variant => [what, () => ({ as: "nobody", lines })]);
      const suffixes = ["/health", "/ping", "/x.css", "/favicon.ico", ";x.js", "/metrics"].map(
        (suffix): Variant => [suffix, (trial) => ({ as: "nobody", target: trial.at(readPath + suffix) })],
      );
      const methods = ["OPTIONS", "HEAD", "TRACE"].map((method): Variant => [
        method,
        (trial) => ({ as: "nobody", method, target: trial.write }),
      ]);
      return refusesAll(bout, [...callers, ...suffixes, ...methods]);
    },
  },
  {
    id: "D3-anonymous-flood",
    tries: "makes the proxy log in, or hand out cookies, for requests of nobody",
    needs: ["users"],
    deadline: 30_000,
    run: async (bout) => {
      const before = bout.upstream.logins.length;
      const connections = Array.from({ length: 10 }, async () => {
        const bytes = bout.bytes({ as: "nobody" });
        const count = 50;
        const { text } = await bout.talk(
          bytes.repeat(count),
          Array.from({ length: count }, () => "GET"),
        );
        return /^set-cookie:/im.test(text);
      });
      const handedOut = (await Promise.all(connections)).some(Boolean);
      await bout.settle();
      const logins = bout.upstream.logins.length - before;
      return verdictOf([
        ...(logins > 0 ? [`${logins} logins`] : []),
        ...(handedOut ? ["a cookie was handed out"] : []),
        ...bout.seen
          .slice(0, 1)
          .map(({ headers }) => `a request reached the upstream as ${valueOf(headers, "host")}`),
      ]);
    },
  },
];
