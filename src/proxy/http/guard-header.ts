/**
 * The header that our own browser code sends. No form, link or image can, so a request with it has passed a preflight or
 * comes from our own origin. Names that begin like it are ours: none of them goes to the tenant. attacks C6
 */
export const guardHeader = "x-qsp-client";

/** How the names of our own request headers begin. */
export const ownHeaderPrefix = "x-qsp-";
