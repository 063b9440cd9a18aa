import { SessionProxyError } from "../errors.ts";
import { largestOwnAnswer, type TenantAnswer } from "../tenant/port.ts";
import type { UpstreamListener } from "./listener.ts";

/** Collects the whole answer to a request of the proxy's own, within a time and a size. */
export function collectAnswer(
  timeout: number,
  start: (listener: UpstreamListener) => void,
): Promise<TenantAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let status = 0;
    let headers: string[] = [];
    let abort = (): void => {};
    let over = false;
    const end = (settle: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      settle();
    };
    const timer = setTimeout(() => {
      end(() => reject(new SessionProxyError("QSP-TIMEOUT", { reason: `no answer within ${timeout} ms` })));
      abort();
    }, timeout);
    const answer = (): void => end(() => resolve({ status, headers, body: Buffer.concat(chunks) }));
    start({
      started(stop) {
        abort = stop;
        if (over) stop();
      },
      head(code, raw) {
        status = code;
        headers = raw;
        return true;
      },
      data(chunk) {
        size += chunk.length;
        if (size <= largestOwnAnswer) {
          chunks.push(chunk);
          return true;
        }
        answer();
        abort();
        return false;
      },
      finished: answer,
      failed: (error) => end(() => reject(error)),
    });
  });
}
