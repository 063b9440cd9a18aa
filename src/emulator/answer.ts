import { newTraceId } from "./random-values.ts";

/** One header of an answer, name as it goes on the wire. */
export type HeaderLine = readonly [name: string, value: string];

/** What a body may be: known at once, or made while it is sent. */
export type AnswerBody = string | Uint8Array | AsyncIterable<Uint8Array>;

/** What a handler answers; cookies, CORS, compression and framing are added when it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers?: readonly HeaderLine[];
  readonly body?: AnswerBody;
}

/** One entry of `errors[]`. `status` is a string on most APIs (facts §7). */
export interface TenantError {
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly status?: string;
}

/** Answers with JSON. */
export function jsonAnswer(status: number, value: unknown, headers: readonly HeaderLine[] = []): Answer {
  return {
    status,
    headers: [["Content-Type", "application/json; charset=utf-8"], ...headers],
    body: JSON.stringify(value),
  };
}

/** Answers without a body. */
export function emptyAnswer(status: number, headers: readonly HeaderLine[] = []): Answer {
  return { status, headers };
}

/** Answers with a page. */
export function htmlAnswer(status: number, html: string, headers: readonly HeaderLine[] = []): Answer {
  return { status, headers: [["Content-Type", "text/html; charset=utf-8"], ...headers], body: html };
}

/** Answers with a redirect by GET. */
export function redirectAnswer(location: string, headers: readonly HeaderLine[] = []): Answer {
  return { status: 302, headers: [["Location", location], ...headers] };
}

/** Answers with the tenant's error shape (facts §7). */
export function errorAnswer(status: number, error: TenantError, headers: readonly HeaderLine[] = []): Answer {
  return jsonAnswer(status, { errors: [error], traceId: newTraceId() }, headers);
}

/** Answers as the tenant does where no more is known than the status: code `HTTP-<status>` (facts §13). */
export function statusAnswer(status: number, title: string, detail?: string): Answer {
  return errorAnswer(status, {
    code: `HTTP-${status}`,
    title,
    ...(detail === undefined ? {} : { detail }),
  });
}

/** The answer to REST without a session (facts §13). */
export function unauthorizedAnswer(): Answer {
  return statusAnswer(401, "Unauthorized");
}

/** The answer to a path that does not exist. */
export function notFoundAnswer(): Answer {
  return statusAnswer(404, "Not found");
}

/** The answer to a missing or wrong CSRF token, in both shapes at once: clients test the top-level code (facts §3). */
export function csrfAnswer(): Answer {
  return jsonAnswer(403, {
    code: "CSRF-TOKEN-2",
    errors: [{ code: "CSRF-TOKEN-2", title: "CSRF token mismatch", status: "403" }],
    traceId: newTraceId(),
  });
}

/** The answer over a rate limit (facts §7): whole seconds, no other rate limit header. */
export function throttledAnswer(retryAfter: number): Answer {
  return jsonAnswer(
    429,
    {
      errors: [
        {
          code: "HTTP-429",
          title: "API rate limit reached.",
          detail: `You need to wait ${retryAfter} seconds until limit is lifted.`,
        },
      ],
    },
    [["Retry-After", String(retryAfter)]],
  );
}

/** Makes the JSON reason of a close frame (facts §5.5). */
export function closeFrameReason(code: string): string {
  return JSON.stringify({ code, traceId: newTraceId() });
}
