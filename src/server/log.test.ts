import { channel } from "node:diagnostics_channel";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { publish } from "../kernel/channels.ts";
import { createServerLog, type ServerLog } from "./log.ts";

let log: ServerLog | undefined;
afterEach(() => log?.close());

const capture = (): readonly Record<string, unknown>[] => {
  const lines: Record<string, unknown>[] = [];
  log = createServerLog({ write: (text) => void lines.push(JSON.parse(text) as Record<string, unknown>) });
  return lines;
};

describe("createServerLog", () => {
  test("writes one line per event of every channel", () => {
    const lines = capture();
    for (const name of ["exchange", "session", "login", "socket", "policy"] as const)
      publish(name, () => ({ event: "session.created", status: 200, reason: name }));
    expect(lines.map(({ reason }) => reason)).toEqual(["exchange", "session", "login", "socket", "policy"]);
    expect(lines[0]).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      event: "session.created",
      status: 200,
      reason: "exchange",
    });
  });

  test("takes the event's own level", () => {
    const lines = capture();
    publish("login", () => ({ event: "login.refused", level: "error", code: "QSP-TENANT-REFUSED" }));
    publish("session", () => ({ event: "lease.awaited", level: "debug" }));
    expect(lines.map(({ level, event }) => [level, event])).toEqual([["error", "login.refused"]]);
  });

  test("writes the known fields only", () => {
    const lines = capture();
    channel("qsp:session").publish({ event: "session.created", session: "abc", cookie: "eas.sid=secret" });
    expect(Object.keys(lines[0] ?? {})).toEqual(["level", "time", "event", "session"]);
  });

  test("lets no text begin a line of its own", () => {
    const written: string[] = [];
    log = createServerLog({ write: (text) => void written.push(text) });
    publish("exchange", () => ({ event: "exchange.finished", reason: 'a\r\n{"event":"forged"}\u001b[31m' }));
    expect(written).toHaveLength(1);
    expect(written[0]?.trimEnd()).not.toMatch(/\p{Cc}/u);
  });

  test("writes every text so that it can be read back", () => {
    const lines = capture();
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer(), (reason, status) => {
        publish("exchange", () => ({ event: "exchange.finished", reason, status }));
        expect(lines.at(-1)).toMatchObject({ reason, status });
      }),
    );
  });

  test("stops when it is closed", () => {
    const lines = capture();
    log?.close();
    publish("exchange", () => ({ event: "exchange.finished" }));
    expect(lines).toEqual([]);
  });
});
