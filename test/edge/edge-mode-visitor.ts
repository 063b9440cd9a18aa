import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { RawAnswer, RawRequest } from "../support/raw-client.ts";
import { send } from "../support/raw-client.ts";
import type { EdgeWorld } from "./edge-mode-doors.ts";

/** A browser at an edge; `user` is the value of the application's cookie, null for none. */
export interface EdgeVisitor {
  ask(path: string, user?: string | null, request?: Partial<RawRequest>): Promise<RawAnswer>;
  /** Adds a download to the tenant; its address at the edge. */
  addContent(bytes: Buffer, name?: string): string;
}

/** Creates a browser, in front of a world that may not be there yet. */
export function createVisitor(world: () => EdgeWorld): EdgeVisitor {
  return {
    ask: (path, user = "Alice", request = {}) =>
      send({
        origin: world().origin,
        path,
        ...request,
        headers: {
          "sec-fetch-site": "same-origin",
          ...(user === null ? {} : { cookie: `app=${user}` }),
          ...request.headers,
        },
      }),
    addContent(bytes, name = "report.bin") {
      const { id } = world().stack.tenant.addTempContent({
        name,
        bytes: {
          size: bytes.length,
          async *read(start, end) {
            yield bytes.subarray(start, end);
          },
        },
      });
      return `/qlik/api/v1/temp-contents/${id}`;
    },
  };
}

/** Whether the proxy itself has answered anything meanwhile. */
export async function wentThroughProxy(work: () => Promise<unknown>): Promise<boolean> {
  let count = 0;
  const listener = (event: unknown): void => {
    if ((event as { readonly event: string }).event === "exchange.finished") count += 1;
  };
  subscribe("qsp:exchange", listener);
  await work();
  unsubscribe("qsp:exchange", listener);
  return count > 0;
}

/** Goes where an answer sends the browser, once; with most edges it is the answer already. */
export async function follow(answer: RawAnswer, again: () => Promise<RawAnswer>): Promise<RawAnswer> {
  return answer.status === 307 ? again() : answer;
}
