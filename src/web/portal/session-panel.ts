import users from "@qlik/api/users";
import { durationText } from "./number-text.ts";
import { element, type PageSettings } from "./page-settings.ts";

/** The answer of the proxy's own route. */
interface SessionState {
  readonly authenticated: boolean;
  readonly active: boolean;
  readonly subject: string | null;
  readonly name: string | null;
  readonly expiresIn: number | null;
  readonly idleIn: number | null;
  readonly sockets: number;
}

/** The side panel that shows the proxy session. */
export interface SessionPanel {
  /** Tells the panel that the user has just worked with the charts. */
  noteUse(): void;
}

const pollEvery = 2000;

class Panel implements SessionPanel {
  readonly #settings: PageSettings;
  readonly #note: HTMLElement = element("session-note");
  #ended = false;
  #expired = false;

  constructor(settings: PageSettings) {
    this.#settings = settings;
    document.getElementById("expire")?.addEventListener("click", () => void this.#expire());
    element("log-out").addEventListener("click", () => void this.#logOut());
    void this.#showAccount();
    void this.#poll();
  }

  /** The tenant session is gone: the first use after that makes the proxy fetch another one. */
  noteUse(): void {
    if (!this.#expired) return;
    this.#expired = false;
    void this.#showAccount().then((shown) => {
      if (shown)
        this.#say("Renewed: the proxy has signed you in again, in the background. No chart has noticed.");
    });
  }

  #say(text: string): void {
    this.#note.textContent = text;
  }

  /** Asks the tenant who the user is, with the vendor's REST client; true if it answered. */
  async #showAccount(): Promise<boolean> {
    const hostConfig = { host: this.#settings.qlikHost, authType: "none" } as const;
    try {
      const { data } = await users.getMyUser({ hostConfig, noCache: true });
      element("session-account").textContent = data.name ?? data.id ?? "–";
      return true;
    } catch {
      element("session-account").textContent = "–";
      return false;
    }
  }

  async #poll(): Promise<void> {
    while (!this.#ended) {
      await this.#refresh();
      await new Promise((resolve) => setTimeout(resolve, pollEvery));
    }
  }

  async #refresh(): Promise<void> {
    try {
      const response = await fetch(`${this.#settings.qlikHost}/_session`, { cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      this.#show((await response.json()) as SessionState);
    } catch {
      element("session-state").textContent = "unreachable";
    }
  }

  #show(state: SessionState): void {
    const pill = element("session-state");
    pill.textContent = !state.authenticated ? "signed out" : state.active ? "active" : "starting";
    pill.dataset["state"] = !state.authenticated ? "out" : state.active ? "active" : "idle";
    element("session-name").textContent = state.name ?? state.subject ?? "nobody";
    const rest = (seconds: number | null): string =>
      state.active && seconds !== null ? durationText(seconds) : "–";
    element("session-expires").textContent = rest(state.expiresIn);
    element("session-idle").textContent = rest(state.idleIn);
    element("session-sockets").textContent = String(state.sockets);
  }

  async #expire(): Promise<void> {
    const response = await fetch("/expire-qlik-session", { method: "POST" });
    this.#expired = response.ok;
    this.#say(
      response.ok
        ? "The tenant has ended your Qlik session. Nothing to see, is there? Now select something."
        : "The tenant could not be asked to end the session.",
    );
  }

  async #logOut(): Promise<void> {
    await fetch("/sign-out", { method: "POST", redirect: "manual" });
    await this.#refresh();
    this.#ended = true;
    element("session-account").textContent = "–";
    this.#say(
      "You are out: the sockets are closed, the charts have stopped, and the tenant's session is over.",
    );
    const again = document.createElement("a");
    again.className = "button";
    again.href = "/";
    again.textContent = "Sign in again";
    element("log-out").replaceWith(again);
    document.getElementById("expire")?.remove();
  }
}

/** Keeps the panel up to date and wires its buttons. */
export function startSessionPanel(settings: PageSettings): SessionPanel {
  return new Panel(settings);
}
