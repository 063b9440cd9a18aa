import { randomBytes } from "node:crypto";
import { SessionProxyError } from "../../../errors.ts";
import type { TenantProfile } from "../../../server/tenant-profile.ts";
import type { UpgradeAnswer } from "../../../upstream/send-handshake.ts";
import { encodeClose } from "../../../ws/close-frame.ts";
import { type Frame, readClose } from "../../../ws/frame-reader.ts";
import { hearFrames } from "../hear-frames.ts";
import type { Probing } from "./probing.ts";

/** An upgrade as the profile keeps it. */
export type LearnedUpgrade = TenantProfile["sockets"]["withoutToken"];

/** A socket that is open, and everything that came on it. */
export interface ProbeSocket {
  readonly headers: readonly string[];
  /** Frames with the time at which they came. */
  readonly frames: readonly { readonly frame: Frame; readonly at: number }[];
  /**
   * Resolves with true when a frame that satisfies has come, with false when there is none in that time.
   *
   * @throws SessionProxyError where what came is no frame, as the other one does
   */
  waitFor(satisfies: (frame: Frame) => boolean, ms: number): Promise<boolean>;
  /** Resolves with true when the connection ends within a time. */
  endsWithin(ms: number): Promise<boolean>;
  close(): void;
}

/** Opens a socket with exactly these headers; the status of a refusal otherwise. */
export async function openProbeSocket(
  probing: Probing,
  path: string,
  headers: readonly string[],
): Promise<ProbeSocket | number> {
  const own = ["connection", "Upgrade", "upgrade", "websocket", "sec-websocket-version", "13"];
  const key = ["sec-websocket-key", randomBytes(16).toString("base64")];
  const request = { path, headers: [...own, ...key, ...headers] };
  const answer = await probing.visit.get("upstream").connect(request, { isGone: false, onGone: null });
  return "status" in answer ? answer.status : listenOn(answer);
}

function listenOn(opened: Extract<UpgradeAnswer, { socket: unknown }>): ProbeSocket {
  const { socket, headers } = opened;
  const frames: { readonly frame: Frame; readonly at: number }[] = [];
  const waiting = new Set<() => void>();
  let broken: SessionProxyError | null = null;
  const tell = (): void => {
    for (const look of waiting) look();
  };
  socket.on("close", tell);
  hearFrames(opened, {
    frames(come) {
      for (const frame of come) frames.push({ frame, at: Date.now() });
      tell();
    },
    malformed(problem) {
      broken = new SessionProxyError("QSP-UPSTREAM", { reason: `the tenant's frames: ${problem}` });
      socket.destroy();
      tell();
    },
  });
  const until = (isThere: () => boolean, ms: number): Promise<boolean> =>
    new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        waiting.delete(look);
        if (broken === null) resolve(isThere());
        else reject(broken);
      };
      const look = (): void => {
        if (isThere() || socket.destroyed) end();
      };
      const timer = setTimeout(end, ms);
      waiting.add(look);
      look();
    });
  return {
    headers,
    frames,
    waitFor: (satisfies, ms) => until(() => frames.some(({ frame }) => satisfies(frame)), ms),
    endsWithin: (ms) => until(() => socket.destroyed, ms),
    close() {
      if (!socket.destroyed) socket.end(encodeClose(1000, "", randomBytes(4)));
      socket.destroySoon();
    },
  };
}

/** The code of the close frame, if one has come. */
export const closeCodeOf = ({ frames }: ProbeSocket): number | null => {
  const close = frames.find(({ frame }) => frame.opcode === 8);
  return close === undefined ? null : readClose(close.frame.payload).code;
};

/** What becomes of an upgrade: its status, and the code of a close that comes at once. */
export async function learnUpgrade(
  probing: Probing,
  path: string,
  headers: readonly string[],
): Promise<LearnedUpgrade> {
  const socket = await openProbeSocket(probing, path, headers);
  if (typeof socket === "number") return { status: socket, closeCode: null };
  await socket.waitFor(({ opcode }) => opcode < 9, probing.patience);
  socket.close();
  return { status: 101, closeCode: closeCodeOf(socket) };
}
