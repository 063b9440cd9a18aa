/** The largest block that glibc learns from, page and header of its own included. Bytes; mallopt(3), M_MMAP_THRESHOLD */
const largestLesson = 31 * 1024 * 1024;

/**
 * Lets the C library keep the memory that one collection frees and the next reads take again.
 *
 * Each piece that a socket reads lies in a block of 64 KiB beside V8's heap, and a collection frees hundreds of them at once.
 * glibc then gives the top of its heap back to the system, and asks for it again in steps of 128 KiB, whose pages are
 * cleared each time: it made a large frame twice as dear, or not, as the blocks happened to lie. glibc raises the limit above
 * which it gives memory back to twice the size of the largest mapped block that was ever freed; this is such a block. None of
 * its pages is touched, so that it takes no memory. Other C libraries do nothing of the kind.
 * Earned by: bench stream
 *
 * It is for processes that are all ours: a library has no say in how its host's memory is kept.
 */
export function keepHeapTop(): void {
  Buffer.allocUnsafeSlow(largestLesson);
}
