import {
  formatSubjectRecord,
  parseSubjectRecord,
  type KeyRecord,
  type SubjectRecord,
} from "../../src/registry/subject-record.ts";
import type { SessionContent } from "../../src/session/session-content.ts";
import type { Seal } from "../../src/store/seal.ts";
import { sessionCookie } from "../../src/tenant/cloud-jwt/cookies.ts";
import type { Conditions } from "./conditions.ts";
import type { EndsTruth } from "./ends-truth.ts";
import { beginning } from "./scheduler.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { PlantedBug, StoreWatch } from "./simulated-store.ts";
import type { Trace } from "./trace.ts";
import type { Verdicts } from "./verdicts.ts";

/** Whose right to log in was written down, and when. */
interface Holder {
  /** The ends that the key had seen. */
  readonly epoch: string;
  readonly process: SimulatedProcess;
  readonly since: number;
}

/** What the watch is made from. */
export interface DocumentWatchOptions {
  readonly seal: Seal;
  readonly storeProcess: SimulatedProcess;
  readonly now: () => number;
  readonly conditions: Conditions;
  readonly ends: EndsTruth;
  readonly verdicts: Verdicts;
  readonly trace: Trace;
  readonly without: PlantedBug | null;
  /** A login's result was written for the first time. */
  readonly committed: (id: string, before: string | null) => void;
}

/** Reads every document that is written, and judges the step from the one before it. */
export class DocumentWatch implements StoreWatch {
  readonly records: Map<string, SubjectRecord> = new Map();
  /** Sessions of the tenant that were ever written down. */
  readonly committed: Set<string> = new Set();
  /** Who took a session of the tenant out of the documents, by its id. */
  readonly dropped: Map<string, { readonly by: SimulatedProcess; readonly at: number }> = new Map();
  readonly #options: DocumentWatchOptions;
  readonly #holders = new Map<string, Holder>();
  readonly #leaseEpochs = new WeakMap<SimulatedProcess, Map<string, string>>();

  constructor(options: DocumentWatchOptions) {
    this.#options = options;
  }

  before(name: string, value: string): string {
    const { seal, without } = this.#options;
    const record = without === "tombstones" ? this.#open(name, value) : null;
    return record ? seal.seal(name, formatSubjectRecord(withoutEnds(record))) : value;
  }

  carries(message: string): boolean {
    const { seal, without } = this.#options;
    if (without !== "tombstones") return true;
    return !seal.open("bus", message)?.text.includes('"kind":"ended"');
  }

  written(name: string, value: string, by: SimulatedProcess): void {
    const record = this.#open(name, value);
    if (record === null) {
      this.#options.trace.note(by.name, () => `writes ${name.slice(0, 1)}: the ${this.#kindOf(name)}`);
      return;
    }
    const before = this.records.get(name);
    this.records.set(name, record);
    if (before) this.#compare(name, before, record);
    this.#options.trace.note(by.name, () => `writes ${this.#shown(name, record)}`);
    for (const [key, known] of Object.entries(record.keys)) {
      const old = before?.keys[key];
      if (known === old) continue;
      const kept = idsOf(known.live?.content);
      for (const id of idsOf(old?.live?.content))
        if (!kept.includes(id)) this.dropped.set(id, { by, at: this.#options.now() });
      this.#judgeLease(key, old, known, by);
      this.#judgeLive(key, old, known, by);
    }
  }

  /** What the store has now is older than what was seen: it counts as the first word. */
  lost(documents: ReadonlyMap<string, { readonly value: string }>): void {
    this.records.clear();
    this.#holders.clear();
    for (const [name, { value }] of documents) {
      const record = this.#open(name, value);
      if (record) this.records.set(name, record);
    }
  }

  /** What is written of a key now. */
  known(key: string): { readonly record: SubjectRecord; readonly known: KeyRecord } | undefined {
    const record = this.records.get(`s.${key.slice(0, 32)}`);
    const known = record?.keys[key];
    return record && known && { record, known };
  }

  /** Which ends a key has seen: the same as long as none comes. */
  epochOf(key: string): string {
    const found = this.known(key);
    return found ? `${found.record.epoch}.${found.known.epoch}` : "0.0";
  }

  #kindOf(name: string): string {
    return name.startsWith("i.") ? "index" : "gate of logins";
  }

  /** The ends of a record, its leases and sessions. */
  #shown(name: string, { epoch, hold, keys }: SubjectRecord): string {
    const { trace } = this.#options;
    const parts = Object.entries(keys).map(([key, { epoch: own, live, lease, barred, reason }]) => {
      const content = live ? idsOf(live.content).join("+") : reason || "-";
      return `${trace.short("k", key)}@${own}${barred ? " barred" : ""}${lease ? " leased" : ""} ${content}`;
    });
    return `${trace.short("doc", name)}@${epoch}${hold ? ` hold ${hold.code}` : ""}: ${parts.join(", ")}`;
  }

  /** The ends that a process knew of when it last took the lease of a key. */
  epochOfLease(key: string, process: SimulatedProcess): string {
    return this.#leaseEpochs.get(process)?.get(key) ?? "none";
  }

  #open(name: string, value: string): SubjectRecord | null {
    if (!name.startsWith("s.")) return null;
    const opened = this.#options.seal.open(name, value);
    return opened && parseSubjectRecord(opened.text);
  }

  #compare(name: string, before: SubjectRecord, after: SubjectRecord): void {
    const { verdicts, trace } = this.#options;
    const fail = (what: string): void => verdicts.violated("versions-go-up", what);
    const label = trace.short("doc", name);
    if (after.epoch < before.epoch) fail(`${label}: subject epoch ${before.epoch} → ${after.epoch}`);
    if (after.endedAt < before.endedAt) fail(`${label}: the subject's end moved back`);
    for (const [key, old] of Object.entries(before.keys)) {
      const now = after.keys[key];
      const short = trace.short("k", key);
      // Keys are forgotten long after anything that could contradict them; no simulation lasts as long.
      if (!now) fail(`${short} was forgotten`);
      else if (now.epoch < old.epoch) fail(`${short}: epoch ${old.epoch} → ${now.epoch}`);
      else if (now.version < old.version) fail(`${short}: version ${old.version} → ${now.version}`);
      else if (old.barred && !now.barred) fail(`${short} is barred no more`);
      else if (isOlder(old, now)) fail(`${short}: an older generation was written over a newer one`);
      else if (isRewritten(old, now)) fail(`${short}: other content under version ${old.version}`);
    }
  }

  /** One holder at a time; it loses the lease only for a reason. */
  #judgeLease(key: string, old: KeyRecord | undefined, known: KeyRecord, by: SimulatedProcess): void {
    const { verdicts, trace, conditions, now, storeProcess } = this.#options;
    const lease = known.lease;
    if (lease === null || lease.token === old?.lease?.token) return;
    const short = trace.short("k", key);
    const holder = this.#holders.get(key);
    trace.note(by.name, () => `takes the lease of ${short}`);
    this.#holders.set(key, { process: by, since: now(), epoch: this.epochOf(key) });
    const epochs = this.#leaseEpochs.get(by) ?? new Map<string, string>();
    this.#leaseEpochs.set(by, epochs.set(key, this.epochOf(key)));
    if (!old?.lease || old.epoch !== known.epoch) return;
    if (old.lease.until > storeProcess.clock.now()) {
      verdicts.violated(
        "one-login",
        `${by.name} took the lease of ${short} while it was ${holder?.process.name}'s`,
      );
    } else if (
      holder?.epoch === this.epochOf(key) &&
      !conditions.wasTroubled(holder.process, holder.since - 1000)
    ) {
      verdicts.violated("one-login", `${holder.process.name} lost the lease of ${short} for no reason`);
    }
  }

  #judgeLive(key: string, old: KeyRecord | undefined, known: KeyRecord, by: SimulatedProcess): void {
    const { verdicts, trace, ends, storeProcess, conditions } = this.#options;
    const { live } = known;
    if (!live || live.token === old?.live?.token) return;
    const short = trace.short("k", key);
    const ids = idsOf(live.content);
    trace.note(by.name, () => `writes ${ids[0]} as generation ${live.generation} of ${short}`);
    const [id] = ids;
    if (id !== undefined && !this.committed.has(id)) {
      this.committed.add(id);
      this.#options.committed(
        id,
        live.generation > 1 && old?.live ? (idsOf(old.live.content)[0] ?? null) : null,
      );
    }
    const openedAt = live.openedAt - beginning - storeProcess.skew;
    for (const end of ends.all) {
      if (end.subject !== live.subject || end.kind === "logout") continue;
      // What the store lost is judged by what is served.
      if (end.acknowledgedAt === null || conditions.lostAt >= end.beganAt) continue;
      if (ends.isOver(end, openedAt)) {
        verdicts.violated("out-means-out", `${by.name} wrote a session of ${short} from before a revocation`);
      }
    }
  }
}

/** The tenant's sessions that a document holds, the current one first. */
export function idsOf(content: unknown): readonly string[] {
  const { generations = [] } = (content ?? {}) as Partial<SessionContent>;
  return generations.map(
    ({ cookies }) => cookies.find(({ name }) => name === sessionCookie)?.value ?? "without a cookie",
  );
}

const isOlder = ({ live: old }: KeyRecord, { live: now }: KeyRecord): boolean =>
  old !== null && now !== null && old.birth === now.birth && now.generation < old.generation;

const isRewritten = (old: KeyRecord, now: KeyRecord): boolean =>
  old.version === now.version && old.live !== null && now.live !== null && old.live.token !== now.live.token;

/** What a product without tombstones would write. */
function withoutEnds(record: SubjectRecord): SubjectRecord {
  const keys = Object.entries(record.keys).map(([key, known]) => [
    key,
    { ...known, epoch: 0, endedAt: 0, barred: false },
  ]);
  return {
    ...record,
    epoch: 0,
    endedAt: 0,
    blockedUntil: 0,
    keys: Object.fromEntries(keys) as Readonly<Record<string, KeyRecord>>,
  };
}
