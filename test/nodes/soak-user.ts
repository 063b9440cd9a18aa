import { setTimeout as sleep } from "node:timers/promises";
import { type Doc, openAppSession } from "@qlik/api/qix";
import { getMyUser } from "@qlik/api/users";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { portalConfig } from "../support/vendor-qlik-api.ts";
import { nameOf } from "./load.ts";
import { markOf, markPath, type User, userHeaders } from "./node-client.ts";
import type { World } from "./world.ts";

/** What a user did, and what went wrong before the user's eyes. */
export interface SoakReport {
  readonly rounds: number;
  /** The longest that a round took. Milliseconds. */
  readonly longest: number;
  readonly errors: readonly string[];
}

/**
 * A person looks at something about once in this time, twice between two losses. Milliseconds. Fifty that do so every second
 * keep two cores so busy that a renewal takes until the next loss.
 */
const roundEvery = 2000;

/** The engine's own word on whose session it is; the client's types do not name it. */
interface EngineSession {
  send(call: { readonly handle: number; readonly method: string; readonly params: object }): Promise<string>;
}

function expectMark(where: string, mark: string | undefined, user: User): void {
  if (mark !== user) throw new Error(`${where}: ${user} got the answer of ${mark ?? "nobody"}`);
}

/** What a person does on a page: a call over REST with the vendor's client, one over plain HTTP, a chart. */
async function lookAround(world: World, user: User, round: number): Promise<void> {
  const headersOf = (): Record<string, string> => ({ ...userHeaders(user), origin: world.door.origin });
  const hostConfig = portalConfig({ host: `${world.door.origin}/qlik`, headersOf }, user);
  expectMark("@qlik/api", (await getMyUser({ hostConfig, noCache: true })).data.subject, user);
  const plain = await world.ask(round % world.nodes.length, user, markPath);
  if (nameOf(plain) !== "200") throw new Error(`HTTP: ${nameOf(plain)}`);
  expectMark("HTTP", markOf(plain), user);
  // The client shares sockets between users whose host, app and identity are the same.
  const session = openAppSession({ appId: APP_ID.sales, hostConfig, identity: user, ttlSeconds: 0 });
  try {
    const doc: Doc = await session.getDoc();
    const engine = (doc as unknown as { readonly session: EngineSession }).session;
    expectMark("engine", await engine.send({ handle: -1, method: "GetAuthenticatedUser", params: {} }), user);
    const chart = await doc.getObject(OBJECT_ID.sales.bar);
    const layout = await chart.getLayout();
    if (layout.qHyperCube?.qSize === undefined) throw new Error("engine: a chart without data");
  } finally {
    await session.close();
  }
}

/** Lets a user work until the end, and writes down every error that the user's clients saw. */
export async function soakUser(world: World, user: User, until: number): Promise<SoakReport> {
  const errors: string[] = [];
  let rounds = 0;
  let longest = 0;
  while (performance.now() < until) {
    const since = performance.now();
    try {
      await lookAround(world, user, rounds);
    } catch (error) {
      errors.push(error instanceof Error ? error.message : JSON.stringify(error));
    }
    rounds += 1;
    const took = performance.now() - since;
    longest = Math.max(longest, took);
    await sleep(Math.max(0, roundEvery - took));
  }
  return { rounds, longest, errors };
}
