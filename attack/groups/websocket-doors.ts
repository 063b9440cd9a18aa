import type { Attack } from "../attack.ts";
import { held, verdictOf } from "../verdict.ts";
import { valueOf } from "../wire/headers.ts";
import { accept, handshakeLines } from "../wire/sockets.ts";
import { refusesAll, tryAll, type Variant } from "./trials.ts";
import { upgrade } from "./upgrades.ts";

/** Origins that only a careless comparison takes for the page's own. */
function lookAlikes(origin: string): string[] {
  const { protocol, hostname, port, host } = new URL(origin);
  const otherScheme = protocol === "https:" ? "http:" : "https:";
  return [
    `${origin}.evil.example`,
    `${protocol}//evil${host}`,
    `${protocol}//sub.${host}`,
    `${protocol}//${hostname}.${port === "" ? "" : `:${port}`}`,
    `${protocol}//${hostname}:${port === "" ? "8081" : Number(port) + 1}`,
    `${otherScheme}//${host}`,
    `${origin}/`,
    `${origin}/qlik`,
    origin.toUpperCase(),
    `${origin}@evil.example`,
    `${origin}#.evil.example`,
    `https://evil.example?${origin}`,
    `${origin}, https://evil.example`,
    `https://evil.example ${origin}`,
    "file://",
    "",
  ];
}

const asVariants = (origins: readonly (string | null)[]): Variant[] =>
  origins.map((origin) => [`Origin ${origin ?? "left out"}`, (bout) => upgrade(bout, { origin })]);

/** Who may open a socket at all. */
export const websocketDoors: readonly Attack[] = [
  {
    id: "W1-foreign-origin",
    tries: "opens a socket from a page of another site, with the user's identity",
    advisory: "GHSA-f53g",
    needs: ["site-guard"],
    uses: ["socketPath"],
    run: (bout) => refusesAll(bout, asVariants([bout.target.foreign])),
  },
  {
    id: "W2-null-origin",
    tries: "opens a socket from a sandboxed page, or from none",
    needs: ["site-guard"],
    uses: ["socketPath"],
    run: (bout) => refusesAll(bout, asVariants(["null", null])),
  },
  {
    id: "W2-look-alike-origins",
    tries: "opens a socket from origins that resemble the page's",
    needs: ["site-guard"],
    uses: ["socketPath"],
    run: (bout) => refusesAll(bout, asVariants(lookAlikes(bout.target.origin))),
  },
  {
    id: "W2-two-origins",
    tries: "opens a socket with the page's Origin and a foreign one, in both orders",
    needs: ["site-guard"],
    uses: ["socketPath"],
    run: (bout) => {
      const { origin, foreign } = bout.target;
      return refusesAll(bout, [
        ["foreign last", (trial) => upgrade(trial, { lines: [`Origin: ${foreign}`] })],
        ["foreign first", (trial) => upgrade(trial, { origin: foreign, lines: [`Origin: ${origin}`] })],
      ]);
    },
  },
  {
    id: "W2-sibling-origin",
    tries: "opens a socket from a sibling sub-domain that is on no list",
    needs: ["site-guard"],
    uses: ["socketPath"],
    run: (bout) =>
      refusesAll(bout, [
        ["without Sec-Fetch-Site", (trial) => upgrade(trial, { origin: trial.target.sibling })],
        [
          "same-site",
          (trial) => upgrade(trial, { origin: trial.target.sibling, lines: ["Sec-Fetch-Site: same-site"] }),
        ],
      ]),
  },
  {
    id: "W3-no-identity",
    tries: "opens a socket as nobody, with and without a forged credential",
    needs: ["users"],
    uses: ["socketPath"],
    run: (bout) =>
      refusesAll(bout, [
        ["nobody", (trial) => upgrade(trial, { as: "nobody" })],
        ["a forged cookie", (trial) => upgrade(trial, { as: "nobody", lines: ["Cookie: session=forged"] })],
      ]),
  },
  {
    id: "W6-other-authority",
    tries: "names another server in an upgrade's target, Host or forwarding headers",
    advisory: "CVE-2026-44578",
    uses: ["socketPath"],
    run: async (bout) => {
      const { authority, visits } = bout.trap;
      const path = bout.target.socketPath ?? "/";
      await tryAll<Variant[1]>(
        bout,
        [
          ["absolute form", (trial) => upgrade(trial, { target: `http://${authority}${trial.at(path)}` })],
          ["two slashes", (trial) => upgrade(trial, { target: `//${authority}${trial.at(path)}` })],
          ["userinfo", (trial) => upgrade(trial, { target: `@${authority}${trial.at(path)}` })],
          ["Host", (trial) => upgrade(trial, { host: authority })],
          ["X-Forwarded-Host", (trial) => upgrade(trial, { lines: [`X-Forwarded-Host: ${authority}`] })],
          ["a request", (trial) => ({ target: `http://${authority}${trial.read}` })],
          ["a request's Host", () => ({ host: authority })],
        ],
        (trial, ask) => trial.send(ask(trial)),
      );
      return verdictOf(visits.map((bytes) => `the other server was asked: ${bytes}`));
    },
  },
  {
    id: "W6-unlisted-path",
    tries: "upgrades on paths that are offered for requests only, or not at all",
    advisory: "CVE-2026-15631",
    needs: ["policy"],
    uses: ["socketPath", "deniedPaths"],
    run: async (bout) => {
      const paths = [bout.target.readPath, ...bout.target.deniedPaths, "/", "/app.evil/x"];
      const trials = await tryAll(
        bout,
        paths.map((path) => [path, path] as const),
        (trial, path) => {
          trial.script((exchange) => accept(exchange));
          return trial.send(upgrade(trial, { target: trial.at(path) }));
        },
      );
      return verdictOf(
        trials.flatMap(({ what, trial }) =>
          trial.seen.some(({ headers }) => valueOf(headers, "upgrade") !== undefined)
            ? [`the upgrade on ${what} reached the upstream`]
            : [],
        ),
      );
    },
  },
  {
    id: "W6-h2c",
    tries: "asks for HTTP/2 without TLS, behind which no proxy would see the requests",
    advisory: "h2c smuggling",
    run: async (bout) => {
      bout.script(async ({ request, whole, write, tunnel }) => {
        await whole;
        if (valueOf(request.headers, "upgrade") === undefined)
          return write("HTTP/1.1 204 No Content\r\n\r\n");
        tunnel();
        write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
      });
      const lines = [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
      ];
      const { answer } = await bout.send({ lines });
      await bout.settle();
      if (answer?.status === 101) return verdictOf(["a tunnel in HTTP/2 was opened"]);
      const isAsked = bout.seen.some(({ headers }) => /h2c/i.test(valueOf(headers, "upgrade") ?? ""));
      return isAsked ? verdictOf(["Upgrade: h2c was forwarded"]) : held();
    },
  },
  {
    id: "W10-odd-handshakes",
    tries: "sends handshakes that RFC 6455 forbids",
    needs: ["handshake"],
    uses: ["socketPath"],
    run: (bout) => {
      const [connection = "", asked = "", version = "", key = ""] = handshakeLines();
      const odd = (
        what: string,
        handshake: readonly string[],
        ask: { readonly method?: string } = {},
      ): Variant => [what, (trial) => upgrade(trial, { handshake, ...ask })];
      return refusesAll(bout, [
        odd("two keys", [connection, asked, version, key, key]),
        odd("no key", [connection, asked, version]),
        odd("a short key", [connection, asked, version, "Sec-WebSocket-Key: c2hvcnQ="]),
        odd("version 8", [connection, asked, "Sec-WebSocket-Version: 8", key]),
        odd("two versions", [connection, asked, version, "Sec-WebSocket-Version: 8", key]),
        odd("no version", [connection, asked, key]),
        odd("POST", [connection, asked, version, key], { method: "POST" }),
        odd("two protocols to switch to", [connection, "Upgrade: websocket, h2c", version, key]),
      ]);
    },
  },
];
