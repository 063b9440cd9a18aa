/** The session proxy as a function from `Request` to `Response`, for Hono, Next and their kind. */
export { createFetchHandler } from "./adapters/fetch-handler.ts";
export type { FetchHandler, FetchHandlerOptions, FetchSurroundings } from "./adapters/fetch-handler.ts";
