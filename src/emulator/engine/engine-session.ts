import type { Doc } from "./doc.ts";
import type { EngineObject, ObjectKind } from "./engine-object.ts";
import type { JsonObject } from "./json-value.ts";

/** The user an engine session belongs to. */
export interface EngineUser {
  readonly id: string;
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** A socket attached to an engine session, as the session sees it. */
export interface SessionSocket {
  /** Sends one text frame. */
  send(text: string): void;
  /** Sends one text message cut into frames. */
  sendFragmented(text: string, fragments: number): void;
}

/** What a handle stands for. */
export type Target =
  | { readonly type: "Doc"; readonly doc: Doc }
  | { readonly type: ObjectKind; readonly doc: Doc; readonly object: EngineObject }
  | { readonly type: "Field"; readonly doc: Doc; readonly field: string };

/** Which sessions are the same: one user, one identity, one app (facts §5.2). */
export interface SessionPlace {
  readonly user: EngineUser;
  readonly identity: string;
  /** Empty for a session without an app. */
  readonly appId: string;
  /** The app a session app was made from; empty by default. */
  readonly sourceAppId: string;
}

/** The state that all sockets of one user, identity and app share: the open app and the handles. */
export class EngineSession {
  readonly place: SessionPlace;
  readonly sockets: Set<SessionSocket> = new Set();
  /** The open app. */
  doc: Doc | undefined;
  /** Emulator time at which a session without sockets ends. */
  expiresAt: number = Number.POSITIVE_INFINITY;
  readonly #targets = new Map<number, Target>();
  readonly #handles = new Map<string, number>();
  #lastHandle = 0;

  constructor(place: SessionPlace) {
    this.place = place;
  }

  /** The handle of a target; the same thing asked for twice has one handle. */
  handleOf(target: Target): number {
    const key = targetKey(target);
    let handle = this.#handles.get(key);
    if (handle === undefined) {
      handle = ++this.#lastHandle;
      this.#handles.set(key, handle);
      this.#targets.set(handle, target);
    }
    return handle;
  }

  /** What a handle stands for, or nothing when it is stale. */
  target(handle: number): Target | undefined {
    return this.#targets.get(handle);
  }

  /** Every handle whose target fits. */
  handlesWhere(fits: (target: Target) => boolean): readonly number[] {
    return [...this.#targets].flatMap(([handle, target]) => (fits(target) ? [handle] : []));
  }

  /** Forgets a handle. */
  release(handle: number): void {
    const target = this.#targets.get(handle);
    if (target === undefined) return;
    this.#targets.delete(handle);
    this.#handles.delete(targetKey(target));
  }

  /** Sends a message to every attached socket but one. */
  push(message: JsonObject, except?: SessionSocket): void {
    const text = JSON.stringify(message);
    for (const socket of this.sockets) if (socket !== except) socket.send(text);
  }
}

function targetKey(target: Target): string {
  if (target.type === "Doc") return "doc";
  return target.type === "Field" ? `field ${target.field}` : `object ${target.object.id}`;
}
