import { ask } from "./access.ts";
import { asAge, element, part } from "./page.ts";
import type { Session } from "./state.ts";

/** So many are shown; who looks for somebody else asks `sessions list --subject`. */
const shown = 100;

/** Subjects by the part of the key that events name. */
export type Subjects = ReadonlyMap<string, string>;

/** Shows who has a session, and lets the operator end all that somebody has. */
export class People {
  readonly #revoked: () => void;
  subjects: Subjects = new Map();

  /** `revoked`: somebody's sessions were ended just now. */
  constructor(revoked: () => void) {
    this.#revoked = revoked;
  }

  /** Asks who there is; `now` by the clock of who answers. Rejects as `ask` does. */
  async refresh(now: number): Promise<void> {
    const answer = await ask(`/sessions?limit=${shown}`);
    const sessions = (await answer.json()) as readonly Session[];
    this.subjects = new Map(sessions.map(({ key, subject }) => [key.slice(32, 44), subject]));
    const total = Number(answer.headers.get("X-Total-Count"));
    part("people-count").textContent =
      total > shown ? `the last used ${shown} of ${total} sessions` : `${total} sessions`;
    const rows = bySubject(sessions).map((person) => this.#row(person, now));
    const focused = document.activeElement?.getAttribute("data-subject");
    part("people").replaceChildren(...(rows.length > 0 ? rows : [element("li", "empty", "nobody")]));
    if (focused !== null && focused !== undefined)
      for (const button of part("people").querySelectorAll<HTMLButtonElement>("button"))
        if (button.dataset["subject"] === focused) button.focus();
  }

  #row({ subject, sessions, sockets, since, lastUsedAt }: Person, now: number): HTMLElement {
    const name = element("div", "subject", subject);
    name.title = subject;
    const count = sessions === 1 ? "" : `${sessions} sessions · `;
    const about = `${count}${sockets} WebSocket${sockets === 1 ? "" : "s"} · used ${asAge(now - lastUsedAt)} ago · here for ${asAge(now - since)}`;
    const button = element("button", "revoke", "Revoke") as HTMLButtonElement;
    button.dataset["subject"] = subject;
    button.setAttribute("aria-label", `Revoke ${subject}`);
    button.addEventListener("click", () => {
      button.disabled = true;
      void this.#revoke(subject);
    });
    return element("li", "", element("div", "who", name, element("div", "soft", about)), button);
  }

  async #revoke(subject: string): Promise<void> {
    const word = part("people-word");
    try {
      const answer = await ask(`/sessions?subject=${encodeURIComponent(subject)}`, "DELETE");
      const { revoked } = (await answer.json()) as { readonly revoked: number | null };
      word.dataset["failed"] = "false";
      word.textContent = `${subject} is out: ${revoked ?? "all"} ${revoked === 1 ? "session has" : "sessions have"} ended.`;
    } catch (error) {
      word.dataset["failed"] = "true";
      word.textContent = `${subject}: ${error instanceof Error ? error.message : "not done"}`;
    }
    this.#revoked();
  }
}

interface Person {
  readonly subject: string;
  readonly sessions: number;
  readonly sockets: number;
  readonly since: number;
  readonly lastUsedAt: number;
}

/** One row for each person: what can be ended is the person's access. */
function bySubject(sessions: readonly Session[]): readonly Person[] {
  const people = new Map<string, Person>();
  for (const { subject, sockets, createdAt, lastUsedAt } of sessions) {
    const known = people.get(subject);
    people.set(subject, {
      subject,
      sessions: (known?.sessions ?? 0) + 1,
      sockets: (known?.sockets ?? 0) + sockets,
      since: Math.min(known?.since ?? createdAt, createdAt),
      lastUsedAt: Math.max(known?.lastUsedAt ?? 0, lastUsedAt),
    });
  }
  return [...people.values()];
}
