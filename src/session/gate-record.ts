import { heldBack, isOutage, nextHold, timeLeft, type Failure, type Hold } from "./gate-hold.ts";
import { takeTurns, type Line } from "./gate-line.ts";

/** What all nodes know of the logins at one tenant; plain data. Times are the store's clock. */
export interface GateRecord {
  readonly line: Line;
  /** Number of the last login that was begun; only goes up. */
  readonly serial: number;
  /** What is remembered of signing keys, newest first; nothing of one that works. */
  readonly keys: readonly KeyState[];
}

/** What is remembered of one signing key. */
export interface KeyState {
  /** Digest of issuer and key id. */
  readonly key: string;
  /** Keyed hashes of the subjects refused one after the other, without a success in between; oldest first. */
  readonly refused: readonly string[];
  /** Why and until when nobody logs in; after that one at a time may try; null where all may. */
  readonly hold: Hold | null;
  /** The last login that was begun before the hold: what becomes of it says nothing of the tenant after it. */
  readonly heldAfter: number;
  /** The login that tries whether the hold is over; until its time, so that one that died does not block for ever. */
  readonly probe: { readonly serial: number; readonly until: number } | null;
}

/** What became of one login. */
export interface GateReport {
  /** Of the turn that it was begun with. */
  readonly serial: number;
  /** Keyed hash of the subject. */
  readonly subject: string;
  /** Null for a success. */
  readonly failure: Failure | null;
}

/** What a node tells and asks in one step. */
export interface GateQuestion {
  /** Name of the node, its own for each process. */
  readonly node: string;
  /** Names what signs users in; see `Backend.signer`. */
  readonly key: string;
  /** Logins in any minute, 1 or more. */
  readonly perMinute: number;
  /** How long a login may take; one that tries for all counts as dead after it. Milliseconds. */
  readonly probeFor: number;
  readonly reports: readonly GateReport[];
  /** Logins that wait; 0 to report only. */
  readonly wanted: number;
}

/** What a node is told. */
export interface GateAnswer {
  /** Numbers of the logins that may begin now, `wanted` at most. */
  readonly turns: readonly number[];
  /** Milliseconds until this node's next turn; of no use while all are held back. */
  readonly wait: number;
  /** Number of nodes that take turns, this one included; 1 or more. */
  readonly sharers: number;
  /** The failure that everybody without a turn is answered with, and for how long. Milliseconds. */
  readonly held: { readonly hold: Hold; readonly wait: number } | null;
  /** Whether the reports began or prolonged a hold, or ended one; for the log. */
  readonly changed: "closed" | "opened" | null;
}

/** A step from one state of the record to the next; without `record` nothing is to be written. */
export interface GateStep {
  readonly record?: GateRecord;
  readonly outcome: GateAnswer;
}

/** How long a record is to be kept after it was written: longer than any hold. Milliseconds. */
export const keepGateFor: number = 2 * 3_600_000;

/** So many subjects refused one after the other, and the fault is the key's, not the users'. */
const refusedSubjects = 3;

/** Subjects remembered in the row, so that one of them who tries again is known. */
const mostRefused = 16;

/** Keys remembered: the old and the new one of a rotation, on nodes that have it and nodes that do not yet. */
const mostKeys = 4;

/** While one login tries for all, the others are told to come back after this. Milliseconds. */
const probeWait = 1000;

/** A record that a later version wrote in another form says nothing; what is lost by it is a burst. */
const isReadable = (record: GateRecord | null): record is GateRecord =>
  Number.isFinite(record?.line?.fullAt) &&
  Array.isArray(record?.line.nodes) &&
  Number.isFinite(record?.serial) &&
  Array.isArray(record?.keys);

const emptyLine: Line = { fullAt: 0, nodes: [] };

/**
 * Decides who may log in. Reports count first, in their order, so that nobody begins what was just seen to fail.
 *
 * A throttled tenant, or a token refused for three subjects in a row, holds back all with this key; after the hold one
 * login at a time may try, and the first success lets everybody in again. Outages hold back nobody.
 */
export function askGate(record: GateRecord | null, now: number, question: GateQuestion): GateStep {
  const before = isReadable(record) ? record : { line: emptyLine, serial: 0, keys: [] };
  const known = before.keys.find(({ key }) => key === question.key) ?? unknownKey(question.key);
  const reported = question.reports.reduce(
    (state, report) => afterReport(state, report, { now, serial: before.serial }),
    known,
  );
  const { state, outcome, line } = grant(reported, now, { ...question, before });
  const changed = change(known, reported, now);
  const serial = outcome.turns.at(-1) ?? before.serial;
  const answer = { ...outcome, changed };
  if (state === known && line === before.line) return { outcome: answer };
  return { record: { line, serial, keys: withState(before.keys, state) }, outcome: answer };
}

/** Takes a node that stops out of the line, so that nobody waits for its turn. */
export function leaveLine(
  record: GateRecord | null,
  node: string,
): { readonly record?: GateRecord; readonly outcome: null } {
  if (!isReadable(record) || !record.line.nodes.includes(node)) return { outcome: null };
  const nodes = record.line.nodes.filter((each) => each !== node);
  return { record: { ...record, line: { ...record.line, nodes } }, outcome: null };
}

function grant(
  state: KeyState,
  now: number,
  { before, node, perMinute, probeFor, wanted }: GateQuestion & { readonly before: GateRecord },
): {
  readonly state: KeyState;
  readonly line: Line;
  readonly outcome: Omit<GateAnswer, "changed">;
} {
  const { hold, probe } = state;
  const isHeld = timeLeft(hold, now) > 0;
  const isTried = probe !== null && now < probe.until && probe.until <= now + probeFor;
  const allowed = hold === null ? wanted : Math.min(wanted, isHeld || isTried ? 0 : 1);
  const { line, granted, wait, sharers } = takeTurns(before.line, now, { node, perMinute, wanted: allowed });
  const first = Math.max(before.serial + 1, Math.floor(now));
  const turns = Array.from({ length: granted }, (_, index) => first + index);
  if (hold === null) return { state, line, outcome: { turns, wait, sharers, held: null } };
  const held = { hold, wait: isHeld ? timeLeft(hold, now) : probeWait };
  const trying = granted > 0 ? { ...state, probe: { serial: first, until: now + probeFor } } : state;
  return { state: trying, line, outcome: { turns, wait, sharers, held } };
}

interface Moment {
  readonly now: number;
  /** Number of the last login that was begun. */
  readonly serial: number;
}

function afterReport(state: KeyState, report: GateReport, moment: Moment): KeyState {
  const { failure, subject } = report;
  if (failure === null) return afterSuccess(state, report);
  const isProbe = state.probe?.serial === report.serial;
  const free = isProbe ? { ...state, probe: null } : state;
  if (failure.code === "QSP-TENANT-THROTTLED") return held(free, failure, { ...moment, isProbe });
  if (failure.code === "QSP-TENANT-REFUSED") {
    const isNew = !free.refused.includes(subject);
    const refused = isNew ? [...free.refused, subject].slice(-mostRefused) : free.refused;
    const next = isNew ? { ...free, refused } : free;
    // The same subject again tells nothing new: it does not keep the others out any longer.
    const tells = isNew && refused.length >= refusedSubjects && (isProbe || free.hold === null);
    return tells ? held(next, failure, { ...moment, isProbe }) : next;
  }
  if (isProbe && free.hold && isOutage(failure.code)) {
    return { ...free, hold: { ...free.hold, until: nextHold(free.hold, failure, moment.now).until } };
  }
  return free;
}

/**
 * A success shows that the key is good. That the tenant throttles no more is shown only by a login that was begun after
 * it did.
 */
function afterSuccess(state: KeyState, { serial }: GateReport): KeyState {
  if (state.hold?.code === "QSP-TENANT-THROTTLED" && serial <= state.heldAfter) {
    return state.refused.length === 0 ? state : { ...state, refused: [] };
  }
  return state.hold || state.refused.length > 0 ? unknownKey(state.key) : state;
}

/** Begins a hold; grows it where the login that tried failed too; logins begun before it may prolong, but not grow it. */
function held(
  state: KeyState,
  failure: Failure,
  { now, serial, isProbe }: Moment & { readonly isProbe: boolean },
): KeyState {
  const { hold } = state;
  if (hold === null || isProbe) return { ...state, hold: nextHold(hold, failure, now), heldAfter: serial };
  const longer = nextHold(null, failure, now);
  return longer.until > hold.until ? { ...state, hold: { ...longer, times: hold.times } } : state;
}

function change(before: KeyState, after: KeyState, now: number): GateAnswer["changed"] {
  if (before.hold === after.hold) return null;
  if (after.hold === null) return "opened";
  return heldBack(after.hold, now) && before.hold?.times !== after.hold.times ? "closed" : null;
}

const unknownKey = (key: string): KeyState => ({ key, refused: [], hold: null, heldAfter: 0, probe: null });

function withState(keys: readonly KeyState[], state: KeyState): readonly KeyState[] {
  const others = keys.filter(({ key }) => key !== state.key);
  const isEmpty = state.hold === null && state.refused.length === 0;
  return isEmpty ? others : [state, ...others].slice(0, mostKeys);
}
