import { setTimeout as sleep } from "node:timers/promises";
import { openAppSession } from "@qlik/api/qix";
import { getMyUser } from "@qlik/api/users";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { portalConfig } from "../support/vendor-qlik-api.ts";
import { type User, userHeaders } from "./node-client.ts";

/** Where a user's page is, and as whom it comes. */
export interface PagePlace {
  /** What stands before the nodes. */
  readonly doorOrigin: string;
  /** What the nodes take for their own origin. */
  readonly publicOrigin: string;
  readonly user: User;
}

/** What a page went through. */
export interface PageReport {
  readonly requests: number;
  readonly calls: number;
  /** What a person would have seen go wrong. */
  readonly errors: readonly string[];
  /** The longest time that an answer, of either kind, was waited for. Milliseconds. */
  readonly longest: number;
}

/** A page with one chart that stays open. */
export interface OpenPage {
  /** Ends it, after a last look at whether the selection is still there. */
  close(): Promise<PageReport>;
}

/** Between two looks. Milliseconds. */
const lookEvery = 100;

const region = "APAC";

/**
 * Opens a page with the vendor's client, makes a selection, and from then on asks for the user by REST and for the chart's
 * layout over the one engine session, until it is closed. Nothing is tried a second time by the page itself.
 */
export async function openPage({ doorOrigin, publicOrigin, user }: PagePlace): Promise<OpenPage> {
  const headersOf = (): Record<string, string> => ({ ...userHeaders(user), origin: publicOrigin });
  const hostConfig = portalConfig({ host: `${doorOrigin}/qlik`, headersOf }, user);
  // The client shares sockets between users whose host, app and identity are the same.
  const session = openAppSession({ appId: APP_ID.sales, hostConfig, identity: user, ttlSeconds: 60 });
  const doc = await session.getDoc();
  const chart = await doc.getObject(OBJECT_ID.sales.bar);
  await (await doc.getField("Region")).select(region);
  const errors: string[] = [];
  let [requests, calls, longest, isOpen] = [0, 0, 0, true];
  const timed = async (what: string, work: () => Promise<void>): Promise<void> => {
    const since = performance.now();
    try {
      await work();
    } catch (error) {
      errors.push(`${what}: ${error instanceof Error ? error.message : JSON.stringify(error)}`);
    }
    longest = Math.max(longest, performance.now() - since);
  };
  const asks = async (): Promise<void> => {
    while (isOpen) {
      requests += 1;
      await timed("REST", async () => {
        const { data } = await getMyUser({ hostConfig, noCache: true });
        if (data.subject !== user) throw new Error(`${user} got the answer of ${data.subject}`);
      });
      await sleep(lookEvery);
    }
  };
  const looks = async (): Promise<void> => {
    while (isOpen) {
      calls += 1;
      await timed("engine", async () => {
        const { qHyperCube } = await chart.getLayout();
        if (qHyperCube?.qSize?.qcy !== 1) throw new Error("the selection is gone");
      });
      await sleep(lookEvery);
    }
  };
  const working = Promise.all([asks(), looks()]);
  return {
    async close() {
      isOpen = false;
      await working;
      await session.close();
      return { requests, calls, errors, longest };
    },
  };
}
