import type { Attack } from "../attack.ts";
import { verdictOf } from "../verdict.ts";
import { valueOf } from "../wire/headers.ts";
import { plainAnswer } from "../wire/upstream.ts";
import { refusesAll, tryAll, type Variant } from "./trials.ts";

/** Methods and routes that are not offered. */
export const routes: readonly Attack[] = [
  {
    id: "P8-trace",
    tries: "has the upstream repeat the request, with the credential in it",
    advisory: "cross-site tracing",
    run: async (bout) => {
      bout.script(async ({ request, whole, write }) => {
        await whole;
        const { connection, line } = request;
        const at = connection.bytes.lastIndexOf(line);
        write(plainAnswer({ method: "GET" }, connection.bytes.slice(at)));
      });
      const { text } = await bout.send({ method: "TRACE" });
      return verdictOf(bout.upstream.owners.isIn(text) ? ["the answer to TRACE shows the credential"] : []);
    },
  },
  {
    id: "P8-connect",
    tries: "opens a tunnel to another server",
    run: async (bout) => {
      const { authority, visits } = bout.trap;
      for (const target of [authority, `http://${authority}/`]) {
        const connection = await bout.connect();
        connection.write(bout.head({ method: "CONNECT", target, host: authority }));
        await bout.listen(connection, ["CONNECT"], { ms: 3000 });
        connection.write("GET /through HTTP/1.1\r\nHost: x\r\n\r\n");
        await connection.silent(100);
        connection.destroy();
      }
      return verdictOf(visits.map((bytes) => `the other server was reached: ${bytes}`));
    },
  },
  {
    id: "P8-unlisted-methods",
    tries: "uses methods that are not offered on a readable path",
    needs: ["policy"],
    run: (bout) =>
      refusesAll(
        bout,
        ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "PURGE", "TRACE", "LINK"].map(
          (method): Variant => [method, () => ({ method })],
        ),
      ),
  },
  {
    id: "P8-method-override",
    tries: "has the upstream take a POST for a DELETE",
    needs: ["headers"],
    run: async (bout) => {
      const names = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];
      const lines = names.map((name) => `${name}: DELETE`);
      await bout.send({ method: "POST", target: bout.write, lines, body: "x" });
      return verdictOf(
        bout.seen.flatMap(({ headers }) =>
          names
            .filter((name) => valueOf(headers, name) !== undefined)
            .map((name) => `${name} reached the upstream`),
        ),
      );
    },
  },
  {
    id: "P9-denied-routes",
    tries: "asks for what the upstream would give and the proxy does not offer",
    needs: ["policy"],
    uses: ["deniedPaths"],
    run: (bout) =>
      refusesAll(
        bout,
        bout.target.deniedPaths.flatMap((path) =>
          ["GET", "HEAD", "POST", "DELETE"].map((method): Variant => [
            `${method} ${path}`,
            (trial) => ({ method, target: trial.at(path), ...(method === "POST" ? { body: "{}" } : {}) }),
          ]),
        ),
      ),
  },
  {
    id: "P10-session-routes",
    tries: "begins or ends sessions at the upstream by itself",
    uses: ["reservedPaths"],
    run: async (bout) => {
      const spellings = bout.target.reservedPaths.flatMap((path) => [
        path,
        `${path}/`,
        path.toUpperCase(),
        path.replace("o", "%6f"),
        `/.${path}`,
      ]);
      const trials = await tryAll(
        bout,
        spellings.flatMap((path) =>
          ["GET", "POST"].map((method) => [`${method} ${path}`, { method, path }] as const),
        ),
        (trial, { method, path }) =>
          trial.send({ method, target: trial.at(path), ...(method === "POST" ? { body: "" } : {}) }),
      );
      return verdictOf(trials.flatMap(({ what, trial }) => trial.seen.map(({ line }) => `${what}: ${line}`)));
    },
  },
];
