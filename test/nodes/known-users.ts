import { expect } from "vitest";
import type { TestSocket } from "../support/stack.ts";
import { nameOf } from "./load.ts";
import { markPath, type User } from "./node-client.ts";
import type { World } from "./world.ts";

/** Users whom every node has served, with a socket each. */
export interface KnownUsers {
  readonly users: readonly User[];
  readonly sockets: readonly TestSocket[];
  /** How many of the sockets are open. */
  openSockets(): number;
}

/** Lets every user ask every node once, and open an idle socket through one of them. */
export async function becomeKnown(world: World, users: readonly User[]): Promise<KnownUsers> {
  for (const place of world.nodes.keys()) {
    const outcomes = await Promise.all(users.map((user) => world.ask(place, user, markPath)));
    expect(outcomes.map(nameOf)).toEqual(users.map(() => "200"));
  }
  const sockets = users.map((user, index) => world.socket(index % world.nodes.length, user));
  await Promise.all(sockets.map((socket) => socket.message()));
  return {
    users,
    sockets,
    openSockets: () => sockets.filter(({ ws }) => ws.readyState === ws.OPEN).length,
  };
}

/** Names for so many users. */
export const namesOf = (count: number): readonly User[] =>
  Array.from({ length: count }, (_, index) => `user-${index}`);
