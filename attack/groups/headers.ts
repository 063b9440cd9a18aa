import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { verdictOf } from "../verdict.ts";
import { linesOf, valueOf } from "../wire/headers.ts";
import { tryAll, type Variant } from "./trials.ts";
import { upgrade } from "./upgrades.ts";

/** Headers by which proxies in front tell who asked for what; a client's word for it is worth nothing. */
const forwarding = [
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Forwarded-Uri",
  "X-Forwarded-User",
  "X-Forwarded-Prefix",
  "Forwarded",
  "X-Real-IP",
  "X-Client-IP",
  "True-Client-IP",
  "X-Original-URL",
  "X-Original-Host",
  "X-Rewrite-URL",
  "X-Host",
  "Via",
];

/** Findings where a text of the client's has reached the upstream in a header. */
function findCanary(
  trials: readonly { readonly what: string; readonly trial: Bout }[],
  canary: string,
): string[] {
  return trials.flatMap(({ what, trial }) =>
    trial.seen.flatMap(({ headers }) => {
      const line = headers.find(([name, value]) => `${name}: ${value}`.includes(canary));
      return line === undefined ? [] : [`${what}: "${line.join(": ")}" reached the upstream`];
    }),
  );
}

/** Findings where a request did not carry the user's credential and nothing else. */
const findStrangers = (trials: readonly { readonly what: string; readonly trial: Bout }[]): string[] =>
  trials.flatMap(({ what, trial }) =>
    trial.seen
      .filter(({ owner }) => owner !== "user")
      .map(({ owner }) => `${what}: went on with the credential of ${owner}`),
  );

const send = (trial: Bout, ask: Variant[1]): Promise<unknown> => trial.send(ask(trial));

/** Every spelling of a name that some server takes for the same. */
const aliases = (name: string): string[] => [
  name.replaceAll("-", "_"),
  name.toUpperCase().replaceAll("-", "_"),
  name.replaceAll("-", "."),
  `${name}_`,
];

/** The first header by which the user says who it is: name and value. */
export function identityOf(lines: readonly string[]): { readonly name: string; readonly value: string } {
  const [line = ""] = lines;
  const colon = line.indexOf(":");
  return { name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() };
}

/** Headers that a client sends. */
export const clientHeaders: readonly Attack[] = [
  {
    id: "H1-forwarding-headers",
    tries: "says by forwarding headers where it comes from and what it asks for",
    advisory: "CVE-2026-40575, CVE-2026-3635",
    needs: ["headers"],
    run: async (bout) => {
      const canary = `c${bout.tag}c`;
      const lines = forwarding.map((name) => `${name}: ${name === "Forwarded" ? `for=${canary}` : canary}`);
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["request", () => ({ lines })],
          ["upgrade", (trial) => upgrade(trial, { lines })],
        ],
        send,
      );
      return verdictOf(findCanary(trials, canary));
    },
  },
  {
    id: "H1-host",
    tries: "chooses by Host which server the upstream takes itself for",
    advisory: "CVE-2026-55602",
    run: async (bout) => {
      await bout.send({ host: "evil.example" });
      await bout.settle();
      return verdictOf(
        bout.seen.flatMap(({ headers }) => {
          const host = valueOf(headers, "host");
          return host === undefined || /evil/i.test(host)
            ? [`the upstream was asked as ${host ?? "nobody"}`]
            : [];
        }),
      );
    },
  },
  {
    id: "H2-aliases",
    tries: "sends the headers that the proxy sets or trusts under names that servers take for the same",
    advisory: "CVE-2025-64484",
    needs: ["headers"],
    run: async (bout) => {
      const canary = `c${bout.tag}c`;
      const names = [identityOf(bout.target.user.lines).name, ...bout.target.owned, "x-forwarded-user"];
      const lines = names
        .filter((name) => name !== "")
        .flatMap(aliases)
        .map((name) => `${name}: ${canary}`);
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["request", () => ({ lines })],
          ["upgrade", (trial) => upgrade(trial, { lines })],
        ],
        send,
      );
      return verdictOf(findCanary(trials, canary));
    },
  },
  {
    id: "H3-connection-names",
    tries: "has the credential taken off by naming it in Connection",
    advisory: "CVE-2026-33805, CVE-2025-48865",
    run: async (bout) => {
      const { credential, owned } = bout.target;
      const names = [credential, ...owned, "host", "content-length"].join(", ");
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["its name", () => ({ lines: [`Connection: ${credential}`] })],
          ["a list", () => ({ lines: [`Connection: keep-alive, ${names}`] })],
          ["two lines", () => ({ lines: ["Connection: keep-alive", `Connection: ${names}`] })],
          ["upper case", () => ({ lines: [`CONNECTION: ${credential.toUpperCase()}`] })],
          ["Proxy-Connection", () => ({ lines: [`Proxy-Connection: ${credential}`] })],
          [
            "a post",
            (trial) => ({ method: "POST", target: trial.write, lines: [`Connection: ${names}`], body: "x" }),
          ],
        ],
        send,
      );
      return verdictOf(findStrangers(trials));
    },
  },
  {
    id: "H3-connection-names-upgrade",
    tries: "has the credential of an upgrade taken off by naming it in Connection",
    uses: ["socketPath"],
    run: async (bout) => {
      const { credential } = bout.target;
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["a second line", (trial) => upgrade(trial, { lines: [`Connection: ${credential}`] })],
          [
            "one list",
            (trial) => {
              const ask = upgrade(trial);
              const lines = (ask.lines ?? []).map((line) =>
                line.replace(": Upgrade", `: Upgrade, ${credential}`),
              );
              return { ...ask, lines };
            },
          ],
        ],
        send,
      );
      return verdictOf(findStrangers(trials));
    },
  },
  {
    id: "H4-own-cookies",
    tries: "brings cookies along: those of the app, and forged ones of the upstream",
    run: async (bout) => {
      const canary = `c${bout.tag}c`;
      const cookies = `app=${canary}; session=${canary}; eas.sid=${canary}`;
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["one line", () => ({ lines: [`Cookie: ${cookies}`] })],
          ["two lines", () => ({ lines: [`Cookie: ${cookies}`, `cookie: b=${canary}`] })],
          ["upper case", () => ({ lines: [`COOKIE: ${cookies}`] })],
          [
            "a post",
            (trial) => ({ method: "POST", target: trial.write, lines: [`Cookie: ${cookies}`], body: "x" }),
          ],
        ],
        send,
      );
      return verdictOf([...findCanary(trials, canary), ...findStrangers(trials)]);
    },
  },
  {
    id: "H4-own-cookies-upgrade",
    tries: "brings cookies along with an upgrade",
    uses: ["socketPath"],
    run: async (bout) => {
      const canary = `c${bout.tag}c`;
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["one line", (trial) => upgrade(trial, { lines: [`Cookie: app=${canary}`] })],
          ["two lines", (trial) => upgrade(trial, { lines: [`Cookie: a=${canary}`, `Cookie: b=${canary}`] })],
        ],
        send,
      );
      return verdictOf([...findCanary(trials, canary), ...findStrangers(trials)]);
    },
  },
  {
    id: "H4-credential-trailer",
    tries: "adds a credential of its own behind a body in chunks",
    run: async (bout) => {
      const canary = `c${bout.tag}c`;
      const { credential } = bout.target;
      const lines = ["Transfer-Encoding: chunked", `Trailer: ${credential}`];
      const head = bout.head({ method: "POST", target: bout.write, lines });
      await bout.talk(`${head}1\r\nx\r\n0\r\n${credential}: session=${canary}\r\n\r\n`, ["POST"]);
      await bout.settle();
      const sent = bout.seen.filter(({ connection }) => connection.bytes.includes(canary));
      return verdictOf([
        ...sent.map(() => "the trailer reached the upstream"),
        ...findStrangers([{ what: "trailer", trial: bout }]),
      ]);
    },
  },
  {
    id: "H4-other-credentials",
    tries: "brings other credentials along: Authorization, and headers of the upstream's own family",
    needs: ["headers"],
    run: async (bout) => {
      const canary = `c${bout.tag}c`;
      const names = ["Authorization", "Proxy-Authorization", ...bout.target.owned];
      const lines = names
        .filter((name) => name.toLowerCase() !== bout.target.credential)
        .map((name) => `${name}: Bearer ${canary}`);
      const trials = await tryAll<Variant[1]>(
        bout,
        [
          ["request", () => ({ lines })],
          ["upgrade", (trial) => upgrade(trial, { lines })],
        ],
        send,
      );
      return verdictOf(findCanary(trials, canary));
    },
  },
  {
    id: "H4-identity-goes-on",
    tries: "reads at the upstream who the host says the user is",
    needs: ["headers", "users"],
    run: async (bout) => {
      await bout.send({});
      const { name } = identityOf(bout.target.user.lines);
      return verdictOf(
        bout.seen.flatMap(({ headers }) =>
          linesOf(headers).toLowerCase().includes(`${name.toLowerCase()}:`)
            ? [`${name} reached the upstream`]
            : [],
        ),
      );
    },
  },
];
