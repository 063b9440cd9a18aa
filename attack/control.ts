import type { Bout } from "./bout.ts";
import { accept, clientFrame, handshakeLines, messagesIn, serverFrame } from "./wire/sockets.ts";
import type { PersonName } from "./wire/owners.ts";

/** Thrown when the target does not do its job for its users; then no attack means anything. */
export class ControlFailed extends Error {
  override readonly name = "ControlFailed";
}

/** Shows that the target works: each user's request and upgrade arrive, and carry that user's credential. */
export async function checkControl(bout: Bout): Promise<void> {
  await checkRead(bout, "user");
  if (bout.target.other !== undefined) await checkRead(bout, "other");
  if (bout.target.socketPath !== undefined) await checkSocket(bout, bout.target.socketPath);
}

async function checkRead(bout: Bout, person: PersonName): Promise<void> {
  const visit = bout.again();
  const { upstream, target } = bout;
  const { answer, text } = await visit.send({ as: person }).catch((error: unknown) => {
    throw new ControlFailed(`the target cannot be reached: ${String(error)}`);
  });
  const [seen] = visit.seen;
  const request = `GET ${visit.read} of the ${person}`;
  if (seen === undefined) {
    throw new ControlFailed(`${request} did not reach the upstream; the answer: ${text.slice(0, 300)}`);
  }
  if (upstream.owners.valueIn(seen.headers) === "") {
    throw new ControlFailed(`${request} reached the upstream without a credential in "${target.credential}"`);
  }
  upstream.owners.learn(person, seen.headers);
  if (answer?.status !== 200)
    throw new ControlFailed(`${request} was answered ${answer?.status ?? "nothing"}`);
  const owner = upstream.owners.ownerOf(seen.headers);
  if (owner !== person) throw new ControlFailed(`${request} carried the credential of ${owner}`);
}

async function checkSocket(bout: Bout, path: string): Promise<void> {
  const visit = bout.again();
  visit.script((exchange) => accept(exchange, serverFrame("welcome")));
  const connection = await visit.connect();
  try {
    connection.write(
      visit.head({
        target: visit.at(path),
        bare: true,
        lines: [...handshakeLines(), `Origin: ${bout.target.origin}`],
      }),
    );
    const welcomed = await connection.until((text) => text.includes("welcome"), 6000);
    const [seen] = visit.seen;
    if (!welcomed || !connection.received.startsWith("HTTP/1.1 101")) {
      throw new ControlFailed(
        `an upgrade of the user to ${visit.at(path)} did not open: ${connection.received.slice(0, 300)}`,
      );
    }
    if (seen?.owner !== "user") {
      throw new ControlFailed(`an upgrade of the user carried the credential of ${seen?.owner ?? "nobody"}`);
    }
    connection.write(clientFrame("hello"));
    const heard = await visit.upstream.until(
      () => messagesIn(seen.connection.tunnelled).includes("hello"),
      6000,
    );
    if (!heard) throw new ControlFailed("a message on the open socket did not reach the upstream");
  } finally {
    connection.destroy();
  }
}

/** Tells what is wrong with a target after an attack; null if it serves its user as before. */
export async function findDamage(bout: Bout): Promise<string | null> {
  const visit = bout.again();
  try {
    const { answer, text } = await visit.send({});
    if (answer?.status === 200 && answer.body === "owner=user;") return null;
    return answer === undefined
      ? `a sound request got ${text === "" ? "no answer" : text}`
      : `a sound request was answered ${answer.status} ${answer.body}`;
  } catch (error) {
    return `the target cannot be reached (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
}
