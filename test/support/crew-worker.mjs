/* A worker's process that does what a test wants: the parcel of its start names what each call comes to. */

/** @type {Record<string, string>} */
let ways = {};
const told = [];

const outcomes = {
  hang: () => {
    for (;;);
  },
  wait: () => new Promise(() => {}),
};

const answers = {
  start({ parcel, number }) {
    ways = JSON.parse(parcel);
    return outcomes[ways.start]?.() ?? { url: "http://127.0.0.1:1", node: String(number) };
  },
  ping: () => null,
  heard: (message) => void told.push(message),
  list: () => told,
  exit: () => process.exit(0),
};

async function answer({ id, name, argument }) {
  const way = outcomes[ways[name]] ?? answers[name] ?? (() => null);
  const given = (await way(argument)) ?? null;
  if (id !== null) process.send({ id, answer: given });
}

process.on("message", (message) => {
  // Its own questions have names, answers to them have none.
  if ("name" in message) void answer(message);
});
process.on("disconnect", () => process.exit(1));
process.send({ greeting: "ready" });
