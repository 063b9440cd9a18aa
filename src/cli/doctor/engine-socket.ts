import { appendParameters } from "../../http/target.ts";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { withSocketCredentials } from "../../proxy/socket/rewrite-handshake.ts";
import { cookieFor } from "../../session/tenant-session.ts";
import { userAgent } from "../../tenant/port.ts";
import type { UpgradeAnswer } from "../../upstream/send-handshake.ts";
import { encodeClose } from "../../ws/close-frame.ts";
import { type Frame, readClose } from "../../ws/frame-reader.ts";
import { checkHandshakeResponse } from "../../ws/handshake.ts";
import { hearFrames } from "./hear-frames.ts";
import type { Visit } from "./visit.ts";

/** What came first on a socket of the engine. */
export type FirstWord =
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly headers: readonly string[];
      readonly body: Buffer;
    }
  | { readonly kind: "malformed"; readonly problem: string }
  | { readonly kind: "message"; readonly text: string }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  | { readonly kind: "silence" };

/** Opens a socket as `serve` does for a browser, waits for the first word, and closes it. */
export async function hearFirstWord(visit: Visit, path: string): Promise<FirstWord> {
  const key = randomBytes(16).toString("base64");
  const answer = await sendHandshake(visit, path, key);
  if ("status" in answer) return { kind: "refused", ...answer };
  const sent = { key, protocols: [], extensions: [] };
  const problem = checkHandshakeResponse(101, answer.headers, sent);
  if (problem === null) return firstWordOn(answer, visit.get("options").timeouts.login);
  answer.socket.destroy();
  return { kind: "malformed", problem };
}

function sendHandshake(visit: Visit, path: string, key: string): Promise<UpgradeAnswer> {
  const headers = [
    "connection",
    "Upgrade",
    "upgrade",
    "websocket",
    "user-agent",
    userAgent,
    "sec-websocket-key",
    key,
    "sec-websocket-version",
    "13",
  ];
  const session = visit.get("session");
  const { backend } = session;
  headers.push(...backend.headers);
  if (backend.socketOrigin !== null) headers.push("origin", backend.socketOrigin);
  const request = withSocketCredentials(
    { path, query: appendParameters("", backend.parameters), headers },
    {
      cookie: cookieFor(session, path, Date.now()),
      csrfToken: visit.find("csrfToken") ?? "",
      shown: backend.headersOf(session),
    },
  );
  return visit.get("upstream").connect(request, { isGone: false, onGone: null });
}

function firstWordOn(
  opened: { readonly socket: Socket; readonly head: Buffer },
  wait: number,
): Promise<FirstWord> {
  const { socket } = opened;
  return new Promise((resolve) => {
    let isOver = false;
    const end = (word: FirstWord): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.end(encodeClose(1000, "", randomBytes(4)));
      socket.destroySoon();
      resolve(word);
    };
    const timer = setTimeout(() => end({ kind: "silence" }), wait);
    socket.once("close", () => end({ kind: "closed", code: 1006, reason: "" }));
    hearFrames(opened, {
      frames(frames) {
        const word = wordIn(frames);
        if (word !== null) end(word);
      },
      malformed: (problem) => end({ kind: "malformed", problem }),
    });
  });
}

/** A message in several frames is known by its first one already. */
function wordIn(frames: readonly Frame[]): FirstWord | null {
  const frame = frames.find(({ opcode }) => opcode < 9);
  if (frame === undefined) return null;
  if (frame.opcode === 8) return { kind: "closed", ...readClose(frame.payload) };
  return { kind: "message", text: frame.payload.toString("utf8") };
}
