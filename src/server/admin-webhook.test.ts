import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../errors.ts";
import { Secret } from "../kernel/secret.ts";
import { AdminRefusal } from "./admin-answer.ts";
import { Deliveries, readDeliveryHead, requireSignature, toWebhookKey } from "./admin-webhook.ts";

/** The refusal of a call, or null. */
function refusalOf(call: () => unknown): { readonly status: number; readonly detail: string } | null {
  try {
    call();
    return null;
  } catch (error) {
    if (!(error instanceof AdminRefusal)) throw error;
    return { status: error.status, detail: error.detail };
  }
}

/** The example that webhook services publish to test an implementation with. */
const published = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  head: {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp: "1614265330",
    signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  },
  body: Buffer.from('{"test": 2432232314}'),
};

const key = Buffer.from("a key");
const body = Buffer.from("{}");
const now = 1_700_000_000_000;
const sign = (id: string, timestamp: string): string =>
  `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.{}`).digest("base64")}`;

describe("requireSignature", () => {
  test("takes the published example", () => {
    const publishedKey = toWebhookKey({ webhookSecret: new Secret(published.secret) }) as Buffer;
    expect(refusalOf(() => requireSignature(publishedKey, published.head, published.body))).toBeNull();
    expect(refusalOf(() => requireSignature(publishedKey, published.head, body))?.status).toBe(401);
  });

  test("takes one right signature among several, of which others have a scheme of their own", () => {
    const signature = `v1a,AAAA v1,AAAA ${sign("a", "1")} v2,x`;
    expect(refusalOf(() => requireSignature(key, { id: "a", timestamp: "1", signature }, body))).toBeNull();
  });

  test.each([
    ["of another id", sign("b", "1")],
    ["of another time", sign("a", "2")],
    ["without its scheme", sign("a", "1").slice(3)],
    ["cut short", sign("a", "1").slice(0, -1)],
    ["with more behind it", `${sign("a", "1")}=`],
    ["empty", ""],
  ])("refuses a signature %s", (_what, signature) => {
    const refusal = refusalOf(() => requireSignature(key, { id: "a", timestamp: "1", signature }, body));
    expect(refusal?.status).toBe(401);
  });
});

describe("readDeliveryHead", () => {
  const at = (seconds: number | string): Parameters<typeof readDeliveryHead>[0] => ({
    "webhook-id": "a",
    "webhook-timestamp": String(seconds),
    "webhook-signature": "v1,x",
  });

  test("takes a clock that is five minutes off, and no more", () => {
    for (const off of [-300, 0, 300])
      expect(refusalOf(() => readDeliveryHead(at(now / 1000 + off), now))).toBeNull();
    for (const off of [-301, 301]) {
      const refusal = refusalOf(() => readDeliveryHead(at(now / 1000 + off), now));
      expect(refusal).toEqual({ status: 401, detail: expect.stringContaining("5 minutes") as string });
    }
  });

  test.each([
    ["no id", { ...at(now / 1000), "webhook-id": undefined }],
    ["an empty id", { ...at(now / 1000), "webhook-id": "" }],
    ["an id without end", { ...at(now / 1000), "webhook-id": "a".repeat(257) }],
    ["no timestamp", { ...at(now / 1000), "webhook-timestamp": undefined }],
    ["a timestamp that is a date", at("2026-01-01T00:00:00Z")],
    ["a timestamp in milliseconds", at(now)],
    ["a negative timestamp", at(-now / 1000)],
    ["no signature", { ...at(now / 1000), "webhook-signature": undefined }],
  ])("refuses %s", (_what, headers) => {
    expect(refusalOf(() => readDeliveryHead(headers, now))?.status).toBe(401);
  });
});

describe("toWebhookKey", () => {
  test("is the secret as it stands, else the token, else nothing", () => {
    const token = new Secret("token");
    expect(toWebhookKey({ token, webhookSecret: new Secret("secret") })?.toString()).toBe("secret");
    expect(toWebhookKey({ token })?.toString()).toBe("token");
    expect(toWebhookKey({})).toBeUndefined();
  });

  test.each(["whsec_", "whsec_!", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"])(
    "refuses %s, which is no base64",
    (text) => {
      expect(() => toWebhookKey({ webhookSecret: new Secret(text) })).toThrow(OptionsError);
    },
  );
});

describe("Deliveries", () => {
  const head = (id: string, at = now): { id: string; timestamp: string; signature: string } => ({
    id,
    timestamp: String(at / 1000),
    signature: "",
  });

  /** Deliveries with a clock, and the work that was done. */
  function world(): {
    readonly deliveries: Deliveries;
    readonly done: string[];
    at(time: number): void;
    deliver(id: string, at?: number): Promise<{ readonly repeated: boolean }>;
  } {
    let time = now;
    const done: string[] = [];
    const deliveries = new Deliveries(() => time);
    return {
      deliveries,
      done,
      at: (then) => void (time = then),
      deliver: (id, at) => deliveries.once(head(id, at), body, async () => void done.push(id)),
    };
  }

  test("does an event once, also when it comes twice at the same moment", async () => {
    const { deliver, done } = world();
    const both = await Promise.all([deliver("a"), deliver("a")]);
    expect([...both, await deliver("a")].map(({ repeated }) => repeated)).toEqual([false, true, true]);
    await deliver("b");
    expect(done).toEqual(["a", "b"]);
  });

  test("does an event again that failed", async () => {
    const { deliveries, deliver, done } = world();
    const failing = deliveries.once(head("a"), body, () => Promise.reject(new Error("store")));
    await expect(failing).rejects.toThrow("store");
    expect(await deliver("a")).toMatchObject({ repeated: false });
    expect(done).toEqual(["a"]);
  });

  test("loses no order that comes under a used id", async () => {
    const { deliveries, deliver } = world();
    await deliver("a");
    const other = await deliveries.once(head("a"), Buffer.from("{ }"), async () => "done");
    expect(other).toEqual({ outcome: "done", repeated: false });
  });

  test("knows an event for as long as its timestamp is taken, and counts from the last attempt", async () => {
    const { at, deliver, deliveries, done } = world();
    await deliver("a");
    at(now + 250_000);
    await deliver("a", now + 250_000);
    at(now + 550_000);
    expect(await deliver("a", now + 250_000)).toMatchObject({ repeated: true });
    at(now + 900_000);
    await deliver("b", now + 900_000);
    expect(done).toEqual(["a", "b"]);
    expect(deliveries.size).toBe(1);
  });

  test("remembers ten thousand events and then forgets the oldest", async () => {
    const { deliver, deliveries } = world();
    for (let index = 0; index < 10_050; index += 1) await deliver(`event ${index}`);
    expect(deliveries.size).toBe(10_000);
    expect(await deliver("event 10049")).toMatchObject({ repeated: true });
  });
});
