import { takeLogins, timeBetween } from "./gate-rate.ts";

/** The nodes at which somebody waits, and the bucket that they take turns at. */
export interface Line {
  /** When the bucket of logins is full again. Milliseconds since the Unix epoch. */
  readonly fullAt: number;
  /** Names of the nodes that had to wait, the next one first. */
  readonly nodes: readonly string[];
}

/** What a node wants. */
export interface LineWish {
  readonly node: string;
  readonly perMinute: number;
  readonly wanted: number;
}

/** What a node gets. */
export interface LineAnswer {
  readonly line: Line;
  readonly granted: number;
  /** Milliseconds until its next turn, if all nodes before it take theirs; 0 where nothing more is wanted. */
  readonly wait: number;
  /** Number of nodes that take turns, this one included; 1 or more. */
  readonly sharers: number;
}

/** A node takes its turn within this time, or it goes to the first that asks: trips to the store, and a busy loop. Milliseconds. */
const longestDelay = 100;

/** Nodes that are kept in line. */
const mostNodes = 100;

/**
 * Gives turns to the nodes one after the other, so that none gets them all for being near to the store.
 *
 * While there are turns for all nobody stands in line, and nothing of it is written. A node that does not come for its
 * turn, because it died or nobody waits there any more, loses its place to the one that asks next.
 */
export function takeTurns(before: Line, now: number, { node, perMinute, wanted }: LineWish): LineAnswer {
  const place = before.nodes.indexOf(node);
  const ahead = place < 0 ? before.nodes.length : place;
  const each = timeBetween(perMinute);
  const { wait: due } = takeLogins(before.fullAt, now, { perMinute, wanted: 0 });
  const isMine = ahead === 0 || due <= -Math.min(longestDelay, each);
  const { fullAt, granted, wait } = takeLogins(before.fullAt, now, {
    perMinute,
    wanted: isMine ? wanted : 0,
  });
  const nodes = wanted === 0 ? before.nodes : nextNodes(before.nodes, { node, ahead, granted, wanted });
  const unchanged = fullAt === before.fullAt && isSame(nodes, before.nodes);
  const line = unchanged ? before : { fullAt, nodes };
  const later = Math.max(0, nodes.indexOf(node)) * each;
  return {
    line,
    granted,
    wait: granted < wanted ? Math.max(0, wait) + later : 0,
    sharers: Math.max(1, nodes.length),
  };
}

function nextNodes(
  nodes: readonly string[],
  {
    node,
    ahead,
    granted,
    wanted,
  }: { readonly node: string; readonly ahead: number; readonly granted: number; readonly wanted: number },
): readonly string[] {
  if (granted === 0) return nodes.includes(node) ? nodes : [...nodes, node].slice(0, mostNodes);
  // Those before it did not come in time.
  const others = nodes.slice(ahead).filter((each) => each !== node);
  return granted < wanted ? [...others, node] : others;
}

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((node, index) => node === other[index]);
