import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { verdictOf } from "../verdict.ts";
import { valuesOf } from "../wire/headers.ts";
import type { PersonName } from "../wire/owners.ts";

/** Requests on each connection, and connections, of the mixed run. */
const mixed = { requests: 40, connections: 4 } as const;

/** Numbers that look random and are the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield state / 2_147_483_648;
  }
}

/** Sends requests of both users on one connection, one after the other, and looks whose answer each gets. */
async function mixOn(bout: Bout, seed: number): Promise<string[]> {
  const random = numbers(seed);
  const connection = await bout.connect();
  const methods: string[] = [];
  const found: string[] = [];
  while (methods.length < mixed.requests && found.length === 0) {
    const as: PersonName = random.next().value < 0.5 ? "user" : "other";
    const isPost = random.next().value < 0.3;
    methods.push(isPost ? "POST" : "GET");
    connection.write(
      bout.bytes(isPost ? { method: "POST", target: bout.write, as, body: `x${methods.length}` } : { as }),
    );
    const { answers, isClosed } = await bout.listen(connection, methods);
    const body = answers[methods.length - 1]?.body;
    if (body !== `owner=${as};`)
      found.push(`a request of the ${as} got ${body ?? (isClosed ? "a close" : "nothing")}`);
  }
  connection.destroy();
  return found;
}

/** What one user must not see of another. */
export const isolation: readonly Attack[] = [
  {
    id: "X1-mixed-users",
    tries: "mixes requests of two users on the same connections",
    needs: ["users"],
    uses: ["other"],
    deadline: 40_000,
    run: async (bout) => {
      const runs = Array.from({ length: mixed.connections }, (_, at) => mixOn(bout.again(), at + 1));
      return verdictOf((await Promise.all(runs)).flat());
    },
  },
  {
    id: "X1-pipelined-users",
    tries: "sends requests of two users in one packet",
    needs: ["users"],
    uses: ["other"],
    run: async (bout) => {
      const order: readonly PersonName[] = ["user", "other", "other", "user", "other"];
      const bytes = order.map((as) => bout.bytes({ as })).join("");
      const { answers } = await bout.talk(
        bytes,
        order.map(() => "GET"),
      );
      return verdictOf(
        answers.flatMap(({ body }, at) =>
          body === `owner=${order[at] ?? ""};`
            ? []
            : [`request ${at + 1}, of the ${order[at] ?? ""}, got ${body}`],
        ),
      );
    },
  },
  {
    id: "X2-cookies-of-another",
    tries: "has a cookie that the upstream set for one user sent with another's requests",
    needs: ["users"],
    uses: ["other"],
    run: async (bout) => {
      const name = `own-${bout.tag}`;
      bout.script(async ({ whole, write }) => {
        await whole;
        write(`HTTP/1.1 200 OK\r\nSet-Cookie: ${name}=1; Path=/\r\nContent-Length: 1\r\n\r\nx`);
      });
      const later = Array.from({ length: 6 }, () => bout.again());
      await Promise.all([bout.send({}), ...later.slice(0, 3).map((trial) => trial.send({ as: "other" }))]);
      await Promise.all(later.slice(3).map((trial) => trial.send({ as: "other" })));
      return verdictOf(
        later.flatMap(({ seen }) =>
          seen.some(({ headers }) => valuesOf(headers, "cookie").join().includes(name))
            ? ["the user's cookie went with a request of the other"]
            : [],
        ),
      );
    },
  },
  {
    id: "X5-shared-connections",
    tries: "shares a connection to the upstream with another user",
    advisory: "CVE-2026-48931",
    needs: ["own-connections"],
    uses: ["other"],
    run: async (bout) => {
      const owners = new Map<number, Set<string>>();
      const trials = Array.from({ length: 16 }, () => bout.again());
      for (const [at, trial] of trials.entries()) await trial.send({ as: at % 2 === 0 ? "user" : "other" });
      for (const { connection, owner } of trials.flatMap(({ seen }) => seen))
        owners.set(connection.id, (owners.get(connection.id) ?? new Set<string>()).add(owner));
      const shared = [...owners.values()].filter(({ size }) => size > 1);
      return verdictOf(
        shared.map((names) => `one connection carried requests of ${[...names].join(" and ")}`),
      );
    },
  },
  {
    id: "X4-unknown-host",
    tries: "reaches the proxy under a name that is not its own",
    needs: ["site-guard"],
    run: async (bout) => {
      const hosts = [
        "evil.example",
        `${bout.target.host}.evil.example`,
        `x${bout.target.host}`,
        "127.0.0.1",
        "",
      ];
      const trials = hosts.map((host) => ({ host, trial: bout.again() }));
      for (const { host, trial } of trials) await trial.send({ host });
      await bout.settle();
      return verdictOf(
        trials.flatMap(({ host, trial }) => trial.seen.map(() => `Host "${host}" reached the upstream`)),
      );
    },
  },
];
