import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createManualClock } from "../../test/support/manual-clock.ts";
import { Ends } from "./ends.ts";
import { withoutOverdue } from "./overdue.ts";
import { epochsOf, keyOf, unknownSubject, type Epochs, type SubjectRecord } from "./subject-record.ts";
import {
  begin,
  commit,
  endQuietly,
  extend,
  release,
  restore,
  touch,
  update,
  type From,
} from "./transitions.ts";

const key = "k".repeat(64);
const tag = key.slice(0, 32);
const leaseFor = 3000;

/** One login of an actor: what it knew when it began. */
interface Login {
  readonly token: string;
  readonly epochs: Epochs;
  readonly from: From;
  /** Ends of key or subject at the time, counted by the model. */
  readonly ends: number;
}

/** What an actor has in hand: each is a node that may be slow, and act on what it knew long ago. */
interface Actor {
  seen: { readonly epochs: Epochs; readonly from: From; readonly ends: number };
  login: Login | null;
}

const deeds = [
  "look",
  "lookAndBegin",
  "begin",
  "extend",
  "commit",
  "fail",
  "touch",
  "update",
  "idle",
  "restore",
] as const;

type Command =
  | { readonly kind: (typeof deeds)[number]; readonly actor: number }
  | { readonly kind: "logout" | "revoke" }
  | { readonly kind: "pass"; readonly ms: number };

const deed = (...kinds: readonly (typeof deeds)[number][]): fc.Arbitrary<Command> =>
  fc.record({ kind: fc.constantFrom(...kinds), actor: fc.integer({ min: 0, max: 3 }) });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: deed("lookAndBegin", "commit") },
  { weight: 8, arbitrary: deed(...deeds) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom<"logout" | "revoke">("logout", "revoke") }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant<"pass">("pass"), ms: fc.integer({ min: 1, max: 4000 }) }),
  },
);

/** One document, the nodes that change it, and what must hold whatever they do. */
class World {
  readonly clock = createManualClock();
  readonly ends = new Ends(this.clock, 1e9);
  readonly actors: Actor[] = Array.from({ length: 4 }, () => ({
    seen: { epochs: { key: 0, subject: 0 }, from: null, ends: 0 },
    login: null,
  }));
  record: SubjectRecord = unknownSubject;
  ended = 0;
  tokens = 0;
  readonly committed = new Set<string>();

  run(each: Command): void {
    const before = this.record;
    this.step(each);
    this.check(before);
  }

  step(each: Command): void {
    if ("ms" in each) return this.clock.advance(each.ms);
    if (!("actor" in each)) return this.end(each.kind);
    const actor = this.actors[each.actor];
    if (actor === undefined) return;
    const now = this.clock.now();
    const { login, seen } = actor;
    switch (each.kind) {
      case "look":
        return this.look(actor);
      case "lookAndBegin":
        this.look(actor);
        return this.begin(actor, now);
      case "begin":
        return this.begin(actor, now);
      case "extend":
        if (login) this.take(extend(this.record, now, { key, token: login.token, leaseFor }));
        return;
      case "commit":
        return this.commit(login, now);
      case "fail":
        if (login) this.take(release(this.record, now, { key, token: login.token, hold: () => null }));
        actor.login = null;
        return;
      case "touch":
        if (seen.from)
          this.take(
            touch(this.record, now, {
              key,
              birth: seen.from.birth,
              use: { usedAt: now, vouchedAt: now, expiresAt: null },
            }),
          );
        return;
      case "update":
        this.take(update(this.record, now, { key, from: seen.from, content: () => now }));
        return;
      case "idle":
        return this.idle(actor, now);
      case "restore":
        return this.restore(actor, now);
    }
  }

  look(actor: Actor): void {
    const { live } = keyOf(this.record, key);
    const from = live && { birth: live.birth, generation: live.generation };
    actor.seen = { epochs: epochsOf(this.record, key), from, ends: this.ended };
  }

  begin(actor: Actor, now: number): void {
    this.tokens += 1;
    const login: Login = { ...actor.seen, token: `t${this.tokens}` };
    const held = keyOf(this.record, key).lease;
    const step = begin(this.record, now, { key, ...login, leaseFor, claimsPause: null });
    this.take(step);
    if (step.outcome.kind !== "granted") return;
    // At most one valid lease: nobody gets one while another's runs.
    assert.ok(held === null || held.until <= now);
    assert.equal(login.ends, this.ended);
    actor.login = login;
  }

  commit(login: Login | null, now: number): void {
    if (login === null) return;
    const { lease, live } = keyOf(this.record, key);
    const step = commit(this.record, now, {
      key,
      ...login,
      live: {
        subject: "ann",
        hasHostSession: false,
        openedAt: now,
        createdAt: now,
        usedAt: now,
        vouchedAt: now,
        expiresAt: null,
        content: 0,
      },
      claims: { at: now, value: 0 },
    });
    this.take(step);
    if (step.outcome.kind !== "committed") return;
    if (live?.token === login.token) return assert.equal(step.record, undefined);
    // No commit after an end of its epoch, none without the lease, and no two under one.
    assert.equal(login.ends, this.ended);
    assert.equal(lease?.token, login.token);
    assert.ok(!this.committed.has(login.token));
    this.committed.add(login.token);
  }

  /** A clock of a session, as one node sees it. */
  idle(actor: Actor, now: number): void {
    const birth = actor.seen.from?.birth;
    if (birth === undefined) return;
    const step = endQuietly(this.record, now, { key, birth, reason: "idle", isRefuted: () => false });
    if (step.record) this.ended += 1;
    this.take(step);
  }

  restore(actor: Actor, now: number): void {
    const { live } = keyOf(this.record, key);
    if (live === null || actor.seen.from === null) return;
    const mine = { ...live, ...actor.seen.from };
    const step = restore(this.record, now, { key, live: mine, epochs: actor.seen.epochs });
    if (step.outcome === "restored") assert.equal(actor.seen.ends, this.ended);
    this.take(step);
  }

  end(kind: "logout" | "revoke"): void {
    if (kind === "logout") this.ends.endKey(key, kind, false);
    else this.ends.endSubject(tag, kind, 0);
    const acknowledged = this.ends.snapshot(tag);
    const { record } = this.ends.apply(tag, this.record, this.clock.now(), 0);
    this.record = withoutOverdue(record, this.clock.now(), {
      limits: { idleTimeout: 1e9, maxLifetime: 1e9 },
      keepFor: 1e9,
      useOf: () => null,
    }).record;
    this.ends.learn(tag, this.record, 0, acknowledged);
    this.ended += 1;
    assert.equal(keyOf(this.record, key).live, null);
    assert.deepEqual(this.ends.pending, []);
  }

  take({ record }: { readonly record?: SubjectRecord }): void {
    this.record = record ?? this.record;
  }

  /** Numbers only go up, and what is written into a session always has a new one. */
  check(before: SubjectRecord): void {
    const [was, is] = [keyOf(before, key), keyOf(this.record, key)];
    assert.ok(is.epoch >= was.epoch);
    assert.ok(this.record.epoch >= before.epoch);
    assert.ok(is.version >= was.version);
    const isWritten =
      is.live !== null && (is.live.content !== was.live?.content || is.live.token !== was.live?.token);
    if (isWritten) assert.ok(is.version > was.version);
    if (was.live && is.live?.birth === was.live.birth) {
      assert.ok(is.live.generation >= was.live.generation);
      assert.ok(is.live.usedAt >= was.live.usedAt);
    }
    if (was.live && is.live?.birth !== was.live.birth) {
      assert.notDeepEqual(epochsOf(this.record, key), epochsOf(before, key));
    }
  }
}

test("whatever slow nodes do in whatever order: one lease, one commit for it, none after an end, and numbers that only go up", () => {
  let commits = 0;
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60, size: "max" }), (commands) => {
      const world = new World();
      for (const each of commands) world.run(each);
      commits += world.committed.size;
    }),
    { numRuns: 1000 },
  );
  // The property says nothing if nobody ever gets through.
  expect(commits).toBeGreaterThan(300);
});
