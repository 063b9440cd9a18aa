/** One thing that a peer does on its connection. */
export type Step =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "pause"; readonly ms: number }
  /** Waits for an answer more than there was, or for the end of the connection; milliseconds at most. */
  | { readonly kind: "answer"; readonly ms: number }
  | { readonly kind: "end" }
  | { readonly kind: "reset" };

/** What the tenant is asked for. */
export const triggers = ["login", "csrf", "probe", "rest", "static", "upgrade", "logout"] as const;
export type Trigger = (typeof triggers)[number];

/** What the tenant does once, when it is asked. */
export interface Move {
  /** "head": before the body of the request has come. */
  readonly at: "head" | "end";
  readonly steps: readonly Step[];
}

/** Which of our sockets is under fire: the public one, or those to the tenant. */
export const sides = ["downstream", "upstream"] as const;
export type Side = (typeof sides)[number];

/** One case, with every byte in it, so that it can be written down and played again. */
export interface FuzzCase {
  readonly side: Side;
  readonly index: number;
  /** The user whom the identity header names. */
  readonly subject: string;
  readonly client: readonly Step[];
  /** Milliseconds that the client stays after its last step, unless it is answered or cut off before. */
  readonly patience: number;
  /** What the tenant does when it is asked, in turn; then, and where nothing is said, it answers properly. */
  readonly tenant: Readonly<Partial<Record<Trigger, readonly Move[]>>>;
  /** Whether every answer of the tenant is cut off in its body, so that no whole one may reach the browser. */
  readonly isCut: boolean;
}

export const bytes = (text: string | Buffer): Step => ({
  kind: "bytes",
  bytes: typeof text === "string" ? Buffer.from(text, "latin1") : text,
});
export const pause = (ms: number): Step => ({ kind: "pause", ms });
export const answer = (ms: number): Step => ({ kind: "answer", ms });
export const end: Step = { kind: "end" };
export const reset: Step = { kind: "reset" };

/** Names and numbers of cases have one length, so that those of an older case can be replaced without moving a byte. */
export const subjectOf = (side: Side, place: number, generation: number): string =>
  `u${side[0] as string}${String(place).padStart(2, "0")}-${String(generation).padStart(6, "0")}`;

export const labelOf = (index: number): string => `case=${String(index).padStart(8, "0")}`;

/** The form in which a case is kept in a file. */
export type WrittenCase = Omit<FuzzCase, "client" | "tenant"> & {
  readonly client: readonly WrittenStep[];
  readonly tenant: Readonly<
    Partial<Record<Trigger, readonly { readonly at: Move["at"]; readonly steps: readonly WrittenStep[] }[]>>
  >;
};

type WrittenStep = Exclude<Step, { kind: "bytes" }> | { readonly kind: "bytes"; readonly latin1: string };

export function writeCase(each: FuzzCase): WrittenCase {
  return { ...each, client: each.client.map(writeStep), tenant: mapMoves(each.tenant, writeStep) };
}

export function readCase(written: WrittenCase): FuzzCase {
  return { ...written, client: written.client.map(readStep), tenant: mapMoves(written.tenant, readStep) };
}

function mapMoves<From, To>(
  moves: Readonly<Partial<Record<Trigger, readonly { at: Move["at"]; steps: readonly From[] }[]>>>,
  map: (step: From) => To,
): Partial<Record<Trigger, { at: Move["at"]; steps: To[] }[]>> {
  const mapped: Partial<Record<Trigger, { at: Move["at"]; steps: To[] }[]>> = {};
  for (const trigger of triggers) {
    const list = moves[trigger];
    if (list) mapped[trigger] = list.map(({ at, steps }) => ({ at, steps: steps.map(map) }));
  }
  return mapped;
}

const writeStep = (step: Step): WrittenStep =>
  step.kind === "bytes" ? { kind: "bytes", latin1: step.bytes.toString("latin1") } : step;

const readStep = (step: WrittenStep): Step =>
  step.kind === "bytes" ? { kind: "bytes", bytes: Buffer.from(step.latin1, "latin1") } : step;
