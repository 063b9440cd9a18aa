import { createRandom, type Random } from "../simulation/random.ts";
import { cutMove, hostileMove, properAnswer, someFrames, standIn, writeAnswer } from "./answers.ts";
import type { Corpus } from "./corpus.ts";
import {
  answer,
  bytes,
  end,
  labelOf,
  pause,
  reset,
  type FuzzCase,
  type Move,
  type Side,
  type Step,
  type Trigger,
} from "./fuzz-case.ts";
import { encodeFrame } from "./frames.ts";
import { mutate, split } from "./mutate.ts";
import { handshake, request, type Sender, soundRequest, staticRequest } from "./requests.ts";

/** What a case is made from. */
export interface CaseSeed extends Sender {
  readonly side: Side;
  readonly seed: number;
  readonly corpus: Corpus;
}

/** Milliseconds that a client waits for an answer to a request that deserves one. */
const answerWait = 1000;

/** Makes the case that seed and index decide; where it begins from an older one, that is one of the corpus. */
export function makeCase(from: CaseSeed): FuzzCase {
  const random = createRandom(from.seed, from.index * 2 + (from.side === "upstream" ? 1 : 0));
  const made = from.side === "downstream" ? hostileClient(from, random) : hostileTenant(from, random);
  return { ...made, side: from.side, index: from.index, subject: from.subject };
}

type Made = Omit<FuzzCase, "side" | "index" | "subject">;

/** Mostly a moment, so that many cases fit into a minute; now and then longer than the time-outs of the server. */
function patience(random: Random): number {
  const dice = random.next();
  if (dice < 0.75) return 300;
  if (dice < 0.95) return 600;
  return dice < 0.99 ? 1000 : 3500;
}

function hostileClient(from: CaseSeed, random: Random): Made {
  const dice = random.next();
  const parent = dice < 0.35 ? from.corpus.pick(random) : null;
  const client = parent
    ? changedSteps(retold(parent, from), random)
    : dice < 0.55
      ? oddRequests(from, random)
      : dice < 0.75
        ? mutatedRequests(from, random)
        : openedSocket(from, random);
  const moves = random.chance(0.3) ? { upgrade: [hostileMove("upgrade", random)] } : {};
  return { client: [...client, ...ending(random)], patience: patience(random), tenant: moves, isCut: false };
}

function ending(random: Random): Step[] {
  const dice = random.next();
  if (dice < 0.8) return [];
  return dice < 0.9 ? [end] : [pause(random.below(20)), reset];
}

function oddRequests(from: CaseSeed, random: Random): Step[] {
  const count = random.chance(0.6) ? 1 : 2 + random.below(3);
  const odd = random.pick([0, 0.03, 0.1, 0.3]);
  const text = Array.from({ length: count }, () => request(from, random, odd)).join("");
  return split(Buffer.from(text, "latin1"), random);
}

function mutatedRequests(from: CaseSeed, random: Random): Step[] {
  const text = random.chance(0.7) ? request(from, random, 0) : handshake(from, random, 0);
  return split(mutate(Buffer.from(text, "latin1"), random, 1 + random.below(3)), random);
}

/** A handshake, then frames of all kinds. */
function openedSocket(from: CaseSeed, random: Random): Step[] {
  const opening = Buffer.from(handshake(from, random, random.chance(0.3) ? 1 : 0), "latin1");
  const frames = Buffer.concat([hello(random), ...someFrames(random, true)]);
  const sent = random.chance(0.4) ? mutate(frames, random, 1 + random.below(3)) : frames;
  // Frames that do not wait for the 101 must reach the tenant after it all the same. attacks W7
  if (random.chance(0.2)) return split(Buffer.concat([opening, sent]), random);
  return [...split(opening, random), answer(answerWait), ...split(sent, random)];
}

const hello = (random: Random): Buffer =>
  encodeFrame(1, Buffer.from("hello"), Buffer.from([1, 2, 3, random.below(256)]));

/** An older case as if this one had made it: its user and its number in place of the other's. */
function retold(parent: FuzzCase, { subject, index }: Sender): readonly Step[] {
  return parent.client.map((step) => {
    if (step.kind !== "bytes") return step;
    const text = step.bytes.toString("latin1");
    return bytes(text.replaceAll(parent.subject, subject).replaceAll(labelOf(parent.index), labelOf(index)));
  });
}

function changedSteps(steps: readonly Step[], random: Random): Step[] {
  const places = steps.flatMap((step, at) => (step.kind === "bytes" ? [at] : []));
  const place = places[random.below(places.length)];
  return steps.map((step, at) =>
    at === place && step.kind === "bytes" ? bytes(mutate(step.bytes, random, 1 + random.below(4))) : step,
  );
}

/** What the tenant is made to do wrong, as often as is worth it. */
const targets: readonly [Trigger, ...Trigger[]] = [
  ...Array<Trigger>(10).fill("rest"),
  ...Array<Trigger>(5).fill("upgrade"),
  ...Array<Trigger>(3).fill("login"),
  "csrf",
  "csrf",
  "static",
] as unknown as [Trigger, ...Trigger[]];

function hostileTenant(from: CaseSeed, random: Random): Made {
  if (random.chance(0.1)) return cutAnswer(from, random);
  const trigger = random.pick(targets);
  const parent = random.chance(0.25) ? from.corpus.pick(random) : null;
  const moves = parent ? changedMoves(parent, random) : movesFor(trigger, random);
  const asked = parent ? triggerOf(parent) : trigger;
  return { client: browserFor(asked, from, random), patience: patience(random), tenant: moves, isCut: false };
}

const triggerOf = ({ tenant }: FuzzCase): Trigger =>
  (Object.keys(tenant)[0] as Trigger | undefined) ?? "rest";

function movesFor(trigger: Trigger, random: Random): FuzzCase["tenant"] {
  const move = (): Move => hostileMove(trigger, random);
  // Twice and thrice in a row, because much is tried again; and a session lost on the way is worth it too.
  const moves = Array.from({ length: 1 + random.below(3) }, move);
  if (trigger !== "rest" || random.chance(0.8)) return { [trigger]: moves };
  const lost: Move = { at: "end", steps: [bytes("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")] };
  const next = random.pick<Trigger>(["login", "probe"]);
  return { rest: [lost, ...moves], [next]: random.chance(0.4) ? [hostileMove(next, random)] : [lost] };
}

function changedMoves(parent: FuzzCase, random: Random): FuzzCase["tenant"] {
  const trigger = triggerOf(parent);
  const moves = parent.tenant[trigger] ?? [];
  return { [trigger]: moves.map(({ at, steps }) => ({ at, steps: changedSteps(steps, random) })) };
}

/** What a browser does that meets such a tenant. */
function browserFor(trigger: Trigger, from: CaseSeed, random: Random): Step[] {
  const steps: Step[] = [];
  if (trigger === "upgrade" || (trigger === "csrf" && random.chance(0.5))) {
    steps.push(bytes(handshake(from, random, 0)), answer(answerWait));
    steps.push(...split(Buffer.concat([hello(random), ...someFrames(random, true)]), random));
  } else if (trigger === "static") {
    steps.push(bytes(staticRequest(from)), answer(answerWait));
  } else {
    const method = trigger === "csrf" ? "POST" : random.pick(["GET", "GET", "HEAD", "POST", "PUT"]);
    steps.push(...split(Buffer.from(soundRequest(from, random, method), "latin1"), random));
    steps.push(random.chance(0.9) ? answer(answerWait) : pause(random.below(10)));
    if (random.chance(0.5)) steps.push(bytes(soundRequest(from, random, "GET")), answer(answerWait));
  }
  if (random.chance(0.1)) steps.splice(random.below(steps.length + 1), steps.length, reset);
  return steps;
}

function cutAnswer(from: CaseSeed, random: Random): Made {
  const text = soundRequest(from, random, "GET");
  return {
    client: [bytes(text), answer(2 * answerWait)],
    patience: 300,
    tenant: { rest: [cutMove(random)] },
    isCut: true,
  };
}

/** Cases that a corpus begins with. */
export function firstCases(side: Side, sender: Sender): FuzzCase[] {
  const random = createRandom(1);
  const shared = { side, ...sender, patience: 300, isCut: false };
  if (side === "downstream") {
    return [
      soundRequest(sender, random, "GET"),
      soundRequest(sender, random, "POST"),
      handshake(sender, random, 0),
    ].map((text) => ({ ...shared, client: [bytes(text)], tenant: {} }));
  }
  return (["rest", "upgrade", "login", "csrf"] as const).map((trigger) => ({
    ...shared,
    client: [],
    tenant: {
      [trigger]: [{ at: "end" as const, steps: [bytes(writeAnswer(properAnswer(trigger, standIn.mark)))] }],
    },
  }));
}
