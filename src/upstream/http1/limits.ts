/*
 * What a tenant may send that has to be kept or counted before it can be passed on; beyond it the connection ends.
 */

/** The head of an answer, the status line included. Bytes; undici and node have the same figure. */
export const largestHead: number = 16 * 1024;

/** Headers of one answer, and trailers; the tenant's own answers have about 40. facts §1 */
export const mostHeaders: number = 256;

/** Interim answers before the answer itself. */
export const mostInterim: number = 32;

/** The line with a chunk's size, its extensions included. Bytes. */
export const largestChunkLine: number = 256;

/** Extensions of all chunks of a body: they are paid for and thrown away. Bytes; node has the same figure. */
export const largestExtensions: number = 16 * 1024;

/** All trailers of a body. Bytes. */
export const largestTrailers: number = 16 * 1024;
