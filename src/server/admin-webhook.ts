import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { OptionsError } from "../errors.ts";
import type { Milliseconds } from "../options/duration.ts";
import { equalTexts, unauthorized } from "./admin-access.ts";
import type { AdminConfig } from "./config/load.ts";

/** How far the sender's clock and ours may be apart. Standard Webhooks, "Verifying webhook authenticity" */
const clockTolerance: Milliseconds = 5 * 60_000;

/** What a sender says of a delivery before its body. */
export interface DeliveryHead {
  /** The same for every attempt to deliver one event. */
  readonly id: string;
  /** When this attempt was signed, in seconds since the Unix epoch, as it was written. */
  readonly timestamp: string;
  /** One or more of `v1,<base64>`, with spaces between them. */
  readonly signature: string;
}

/** The longest id that is taken, in characters; those of known senders have about 30. */
const longestId = 256;

/** Reads the headers of a signed delivery, before anything of its body is. @throws AdminRefusal 401 */
export function readDeliveryHead(headers: IncomingHttpHeaders, now: number): DeliveryHead {
  const [id, timestamp, signature] = ["id", "timestamp", "signature"].map(
    (name) => headers[`webhook-${name}`],
  );
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signature !== "string") {
    throw unauthorized("send the token, or webhook-id, webhook-timestamp and webhook-signature");
  }
  if (id === "" || id.length > longestId)
    throw unauthorized(`webhook-id must have 1 to ${longestId} characters`);
  if (!/^\d{1,12}$/.test(timestamp)) throw unauthorized("webhook-timestamp must be seconds since 1970");
  if (Math.abs(Number(timestamp) * 1000 - now) > clockTolerance) {
    throw unauthorized("webhook-timestamp is more than 5 minutes away from this machine's clock");
  }
  return { id, timestamp, signature };
}

/** Checks the signature of a delivery. @throws AdminRefusal 401 */
export function requireSignature(
  key: Buffer,
  { id, timestamp, signature }: DeliveryHead,
  body: Buffer,
): void {
  const wanted = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const isSigned = signature
    .split(" ")
    .some((each) => each.startsWith("v1,") && equalTexts(each.slice("v1,".length), wanted));
  if (!isSigned) throw unauthorized("webhook-signature does not fit the body and admin.webhookSecret");
}

/**
 * The key that deliveries are signed with: the text of the secret, or the bytes after `whsec_` in the form that webhook
 * services hand out. The token's text where there is no secret; nothing where there is neither.
 *
 * @throws OptionsError where what follows `whsec_` is not base64
 */
export function toWebhookKey(admin: Pick<AdminConfig, "token" | "webhookSecret"> = {}): Buffer | undefined {
  const text = (admin.webhookSecret ?? admin.token)?.reveal();
  if (text === undefined || !text.startsWith("whsec_")) return text === undefined ? text : Buffer.from(text);
  const encoded = text.slice("whsec_".length);
  const key = Buffer.from(encoded, "base64");
  if (key.length > 0 && key.toString("base64") === encoded) return key;
  const message = "begins with whsec_, but what follows is not base64";
  throw new OptionsError([{ path: "admin.webhookSecret", message }]);
}

/** The most events that are remembered; about 3 MB. A sender that has more in ten minutes may see one done twice. */
const mostEvents = 10_000;

/** Sees to it that an event is carried out once, however often it is delivered, or replayed. */
export class Deliveries {
  readonly #now: () => number;
  readonly #events = new Map<string, { until: number; readonly outcome: Promise<unknown> }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Number of events remembered. */
  get size(): number {
    return this.#events.size;
  }

  /**
   * Does the work of an event, or waits for the same event's work that is done or under way. What failed is forgotten,
   * so that the next delivery tries again.
   *
   * The body belongs to the event's name: another order under a used id is another event, and is not lost.
   */
  async once<Outcome>(
    { id, timestamp }: DeliveryHead,
    body: Buffer,
    work: () => Promise<Outcome>,
  ): Promise<{ readonly outcome: Outcome; readonly repeated: boolean }> {
    const name = createHash("sha256").update(`${id}.`).update(body).digest("base64");
    this.#forget();
    // After that, the timestamp refuses it.
    const until = Number(timestamp) * 1000 + clockTolerance;
    const known = this.#events.get(name);
    if (known !== undefined) {
      // Attempts are signed anew, and each of them could be replayed.
      known.until = Math.max(known.until, until);
      return { outcome: (await known.outcome) as Outcome, repeated: true };
    }
    const event = { until, outcome: work() };
    this.#events.set(name, event);
    try {
      return { outcome: await event.outcome, repeated: false };
    } catch (error) {
      if (this.#events.get(name) === event) this.#events.delete(name);
      throw error;
    }
  }

  #forget(): void {
    const now = this.#now();
    for (const [name, { until }] of this.#events) {
      if (until >= now && this.#events.size < mostEvents) return;
      this.#events.delete(name);
    }
  }
}
