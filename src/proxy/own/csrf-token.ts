import type { OwnAnswer } from "../../http/own-answer.ts";
import { randomId } from "../../kernel/random.ts";
import { csrfHeader, csrfPath } from "../../tenant/csrf.ts";
import { emptyAnswer } from "./own-pages.ts";

/**
 * Whether a client asks for a CSRF token. The tenant's own stays here and is added to what needs it; clients with cookies
 * send whatever they were given, and it is dropped. facts §8, attacks H4
 */
export const asksForCsrfToken = (method: string, path: string): boolean =>
  path === csrfPath && (method === "GET" || method === "HEAD");

/** A token that opens nothing: who may ask is decided by where a request comes from. rules R4 */
export const csrfTokenAnswer = (): OwnAnswer => emptyAnswer(204, [csrfHeader, randomId(16)]);
