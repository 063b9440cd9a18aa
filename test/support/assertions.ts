import { expect } from "vitest";
import type { RefusedUpgrade, TenantAnswer, TenantSocket } from "./tenant-client.ts";

/** The tenant's error body (facts §7). */
interface ErrorBody {
  readonly code?: string;
  readonly errors: readonly { readonly code: string; readonly title: string; readonly detail?: string }[];
  readonly traceId?: string;
}

/** Checks that an answer is an error in the tenant's shape; returns its first entry. */
export function expectTenantError(
  answer: Pick<TenantAnswer, "status" | "text">,
  status: number,
  code: string,
): ErrorBody["errors"][number] {
  expect({ status: answer.status, body: answer.text }).toMatchObject({ status });
  const body = JSON.parse(answer.text) as ErrorBody;
  expect(body.errors).toHaveLength(1);
  expect(body.errors[0]).toMatchObject({ code });
  expect(body.traceId).toMatch(/^[0-9a-f]{32}$/);
  return body.errors[0] as ErrorBody["errors"][number];
}

/** Checks that an upgrade got through; returns the socket. */
export function expectSocket(outcome: TenantSocket | RefusedUpgrade): TenantSocket {
  if ("socket" in outcome) return outcome;
  throw new Error(`The upgrade was refused: ${outcome.status} ${outcome.text}`);
}

/** Checks that an upgrade was refused before 101; returns the answer. */
export function expectRefused(outcome: TenantSocket | RefusedUpgrade, status: number): RefusedUpgrade {
  if ("socket" in outcome) {
    outcome.socket.terminate();
    throw new Error("The upgrade was accepted");
  }
  expect(outcome.status).toBe(status);
  return outcome;
}

/** Waits until `check` holds; fails after twenty seconds with what it last threw. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
