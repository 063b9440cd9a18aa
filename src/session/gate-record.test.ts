import { describe, expect, test } from "vitest";
import { SessionProxyError, type ErrorCode } from "../errors.ts";
import { askGate, type GateAnswer, type GateRecord } from "./gate-record.ts";

const probeFor = 15_000;
const refused = new SessionProxyError("QSP-TENANT-REFUSED", { reason: "unknown issuer" });

/** The record in a document, and whoever asks and reports. */
function setUp(perMinute = 1000) {
  let record: GateRecord | null = null;
  let now = 1_700_000_000_000;
  let writes = 0;
  const ask = (
    wanted: number,
    reports: Parameters<typeof askGate>[2]["reports"] = [],
    key = "key",
  ): GateAnswer => {
    const step = askGate(record, now, { node: "node", key, perMinute, probeFor, reports, wanted });
    if (step.record) {
      // As a document would give it back.
      record = JSON.parse(JSON.stringify(step.record)) as GateRecord;
      writes += 1;
    }
    return step.outcome;
  };
  const turn = (): number => ask(1).turns[0] ?? Number.NaN;
  const report = (serial: number, subject: string, failure: SessionProxyError | null, key = "key") =>
    ask(0, [{ serial, subject, failure }], key);
  return {
    ask,
    turn,
    report,
    /** A login from begin to end. */
    login: (subject: string, failure: SessionProxyError | null) => report(turn(), subject, failure),
    refuse: (...subjects: readonly string[]) =>
      subjects.map((subject) => report(turn(), subject, refused)).at(-1),
    pass: (ms: number) => (now += ms),
    get writes() {
      return writes;
    },
    get record() {
      return record;
    },
  };
}

const codeOf = (answer: GateAnswer | undefined): string | undefined => answer?.held?.hold.code;

describe("askGate: turns", () => {
  test("gives as many turns as the limit allows, each with a higher number, and says when there is one more", () => {
    const { ask, pass } = setUp(10);
    const first = ask(4);
    const second = ask(100);
    expect([first.turns.length, second.turns.length, second.wait]).toEqual([4, 6, 6000]);
    pass(6000);
    const numbers = [...first.turns, ...second.turns, ...ask(3).turns];
    expect(numbers).toHaveLength(11);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
  });

  test("writes nothing for a question without a turn, nor for a success that nothing stood against", () => {
    const gate = setUp(1);
    const serial = gate.turn();
    gate.ask(5);
    // The turn, and the place in the line of nodes.
    expect(gate.writes).toBe(2);
    gate.ask(5);
    gate.report(serial, "ann", null);
    gate.report(serial, "ann", new SessionProxyError("QSP-UPSTREAM"));
    expect(gate.writes).toBe(2);
  });

  test("begins anew with a clock that was set back", () => {
    const gate = setUp(60);
    gate.pass(3_600_000);
    gate.ask(60);
    gate.pass(-3_600_000);
    expect(gate.ask(1)).toMatchObject({ turns: [], wait: 1000 });
    gate.pass(1000);
    expect(gate.ask(1).turns).toHaveLength(1);
  });
});

describe("askGate: a record in another form", () => {
  test.each<unknown>([
    {},
    { line: 1 },
    { line: { fullAt: "x", nodes: [] }, serial: 1, keys: [] },
    [],
    "text",
    7,
  ])("%j counts as none", (record) => {
    const question = { node: "node", key: "key", perMinute: 10, probeFor, reports: [], wanted: 1 };
    const step = askGate(record as GateRecord, 1_700_000_000_000, question);
    expect(step.outcome.turns).toHaveLength(1);
    expect(step.record?.keys).toEqual([]);
  });
});

describe("askGate: a refused key", () => {
  test("three subjects refused in a row hold back all, and the log is told once", () => {
    const gate = setUp();
    expect(codeOf(gate.refuse("a", "b"))).toBeUndefined();
    const third = gate.refuse("c");
    expect(third).toMatchObject({ changed: "closed", held: { wait: 1000 } });
    expect(gate.ask(5)).toMatchObject({
      turns: [],
      changed: null,
      held: { hold: { code: "QSP-TENANT-REFUSED", reason: "unknown issuer" }, wait: 1000 },
    });
  });

  test("one subject alone holds back nobody, however often it is refused", () => {
    const gate = setUp();
    gate.refuse("a", "a", "a", "a", "b", "a", "b", "a");
    expect(codeOf(gate.ask(0))).toBeUndefined();
  });

  test("odd users among good ones hold back nobody: a success ends the row", () => {
    const gate = setUp();
    for (const subject of ["a", "b", "c", "d", "e", "f"]) {
      gate.refuse(subject, `${subject}2`);
      gate.login("good", null);
    }
    expect(codeOf(gate.ask(0))).toBeUndefined();
  });

  test.each<ErrorCode>([
    "QSP-USER-REFUSED",
    "QSP-UPSTREAM",
    "QSP-TIMEOUT",
    "QSP-STORE",
    "QSP-UNAUTHENTICATED",
  ])("%s holds back nobody", (code) => {
    const gate = setUp();
    for (const subject of ["a", "b", "c", "d"]) gate.login(subject, new SessionProxyError(code));
    expect(codeOf(gate.ask(0))).toBeUndefined();
  });

  test("after the hold one login at a time tries, and the others are told the failure", () => {
    const gate = setUp();
    gate.refuse("a", "b", "c");
    gate.pass(1000);
    const answer = gate.ask(50);
    expect([answer.turns.length, codeOf(answer), answer.held?.wait]).toEqual([1, "QSP-TENANT-REFUSED", 1000]);
    expect(gate.ask(50)).toMatchObject({ turns: [], held: { wait: 1000 } });
  });

  test("each failed try doubles the hold, up to a minute", () => {
    const gate = setUp();
    gate.refuse("a", "b", "c");
    const waits: number[] = [];
    for (let index = 0; index < 8; index += 1) {
      gate.pass(gate.ask(0).held?.wait ?? 0);
      waits.push(gate.login(`user ${index}`, refused).held?.wait ?? 0);
    }
    expect(waits).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test("the first success lets everybody in again and forgets the row", () => {
    const gate = setUp();
    gate.refuse("a", "b", "c");
    gate.pass(1000);
    expect(gate.login("d", null)).toMatchObject({ changed: "opened", held: null });
    expect(gate.ask(50).turns).toHaveLength(50);
    expect(codeOf(gate.refuse("e", "f"))).toBeUndefined();
    expect(gate.refuse("g")?.held?.wait).toBe(1000);
  });

  test("an odd user who tries for all does not keep the others out: the next may try at once", () => {
    const gate = setUp();
    gate.refuse("a", "b", "c");
    gate.pass(1000);
    gate.login("a", refused);
    gate.login("d", new SessionProxyError("QSP-USER-REFUSED"));
    expect(gate.turn()).toBeGreaterThan(0);
  });

  test("an outage met by the one who tries gives the next a chance half a second later", () => {
    const gate = setUp();
    gate.refuse("a", "b", "c");
    gate.pass(1000);
    const answer = gate.login("d", new SessionProxyError("QSP-TIMEOUT"));
    expect([codeOf(answer), answer.held?.wait]).toEqual(["QSP-TENANT-REFUSED", 500]);
    gate.pass(500);
    expect(gate.login("e", null).held).toBeNull();
  });

  test("one who tries and is never heard of again blocks the others for the longest login only", () => {
    const gate = setUp();
    gate.refuse("a", "b", "c");
    gate.pass(1000);
    const lost = gate.turn();
    gate.pass(probeFor - 1);
    expect(gate.ask(1).turns).toEqual([]);
    gate.pass(1);
    expect(gate.turn()).toBeGreaterThan(lost);
    // Its late failure is that of an earlier time: the hold does not grow by it.
    expect(gate.report(lost, "d", refused).held?.wait).toBe(1000);
  });

  test("a hundred logins under way when the key is refused do not grow the hold", () => {
    const gate = setUp();
    const { turns } = gate.ask(100);
    for (const [index, serial] of turns.entries()) gate.report(serial, `user ${index}`, refused);
    expect(gate.ask(1).held).toMatchObject({ wait: 1000, hold: { times: 1 } });
    expect(gate.record?.keys[0]?.refused).toHaveLength(16);
    gate.pass(900);
    expect(gate.report(turns[0] ?? 0, "late", refused).held?.wait).toBe(100);
  });

  test("a success under way when the row was full ends the hold: the key is good", () => {
    const gate = setUp();
    const early = gate.turn();
    gate.refuse("a", "b", "c");
    expect(gate.report(early, "d", null)).toMatchObject({ changed: "opened", held: null });
  });

  test("another key starts fresh, and the first one is not forgotten by it", () => {
    const gate = setUp();
    gate.refuse("a", "b", "c");
    expect(gate.ask(2, [], "new key").turns).toHaveLength(2);
    gate.report(gate.ask(1, [], "new key").turns[0] ?? 0, "a", refused, "new key");
    expect(codeOf(gate.ask(0, [], "new key"))).toBeUndefined();
    expect(codeOf(gate.ask(0))).toBe("QSP-TENANT-REFUSED");
  });

  test("the limit on logins is the tenant's: it holds for all keys together", () => {
    const gate = setUp(10);
    expect(gate.ask(7).turns).toHaveLength(7);
    expect(gate.ask(7, [], "new key").turns).toHaveLength(3);
  });
});

describe("askGate: a throttled tenant", () => {
  const throttled = new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter: 13 });

  test("is left alone for as long as it asked, then one login tries", () => {
    const gate = setUp();
    expect(gate.login("a", throttled)).toMatchObject({ changed: "closed", held: { wait: 13_000 } });
    gate.pass(12_999);
    expect(gate.ask(9).turns).toEqual([]);
    gate.pass(1);
    expect(gate.ask(9).turns).toHaveLength(1);
  });

  test("a login that was begun before it throttled lets nobody in, one that tried afterwards does", () => {
    const gate = setUp();
    const early = gate.turn();
    gate.login("a", throttled);
    expect(gate.report(early, "b", null).held?.wait).toBe(13_000);
    gate.pass(13_000);
    expect(gate.login("c", null).held).toBeNull();
  });

  test("many logins that meet the limit together hold back all for the longest time that was named", () => {
    const gate = setUp();
    const { turns } = gate.ask(40);
    for (const serial of turns) gate.report(serial, "x", throttled);
    gate.report(turns[0] ?? 0, "x", new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter: 300 }));
    expect(gate.ask(1).held).toMatchObject({ wait: 300_000, hold: { times: 1 } });
  });

  test("a limit met by logins under way while the key is held back is honoured too", () => {
    const gate = setUp();
    const early = gate.turn();
    gate.refuse("a", "b", "c");
    gate.report(early, "d", new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter: 600 }));
    gate.pass(599_000);
    expect(gate.ask(1)).toMatchObject({ turns: [], held: { wait: 1000 } });
  });

  test("the one who tries and meets the limit again has all wait again", () => {
    const gate = setUp();
    gate.login("a", throttled);
    gate.pass(13_000);
    expect(gate.login("b", throttled)).toMatchObject({ changed: "closed", held: { wait: 13_000 } });
  });
});
