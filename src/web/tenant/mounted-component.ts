import type { WebSocketEvent } from "@qlik/api/qix";
import { type AppView, applyTheme, openAppView } from "./app-view.ts";
import { drawUi } from "./draw-ui.ts";
import { showNotice } from "./notice.ts";
import type { AppProps } from "./runtime.ts";

/** The props of an embedded UI, as the web component reads them from its attributes. */
export interface EmbedProps {
  readonly hostConfig?: AppProps["hostConfig"];
  readonly ui?: string;
  readonly appId?: string;
  readonly identity?: string;
  readonly theme?: string;
  readonly objectId?: string;
  readonly type?: string;
  readonly dimensions?: readonly unknown[];
  readonly measures?: readonly unknown[];
  readonly properties?: object;
  readonly fieldId?: string;
  readonly exposeRefApi?: (api: object) => void;
}

/** What the embed clients hold of a mounted UI. */
export interface MountedComponent {
  /** Takes changed props over; a change of the theme alone redraws in place. */
  $set(props: EmbedProps): void;
  $destroy(): void;
}

/** Equal for props that need the same drawing; functions and the theme do not count. */
function drawingKey(props: EmbedProps): string {
  return JSON.stringify({ ...props, theme: undefined, exposeRefApi: undefined });
}

class Mounted implements MountedComponent {
  readonly #element: HTMLElement;
  #props: EmbedProps;
  #view: AppView | undefined;
  #stop: AbortController = new AbortController();

  constructor(target: HTMLElement, props: EmbedProps) {
    this.#element = document.createElement("div");
    this.#element.style.cssText = "position:relative;inline-size:100%;block-size:100%;min-block-size:0";
    target.append(this.#element);
    this.#props = props;
    void this.#draw();
  }

  $set(props: EmbedProps): void {
    const redraw = drawingKey(props) !== drawingKey(this.#props);
    this.#props = props;
    if (redraw) {
      this.#release();
      void this.#draw();
    } else if (this.#view !== undefined) void applyTheme(this.#view, props.theme ?? "light");
  }

  $destroy(): void {
    this.#release();
    this.#element.remove();
  }

  #release(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    void this.#view?.session.close();
    this.#view = undefined;
    this.#element.replaceChildren();
  }

  async #draw(): Promise<void> {
    const { appId, identity, hostConfig, theme, exposeRefApi } = this.#props;
    const { signal } = this.#stop;
    try {
      if (appId === undefined) throw new Error("The attribute app-id is missing");
      const app = { appId, ...(identity && { identity }), ...(hostConfig && { hostConfig }) };
      const view = await openAppView(app, theme ?? "light");
      if (signal.aborted) return void view.session.close();
      this.#view = view;
      const unsubscribe = view.session.onWebSocketEvent((event) => this.#follow(event));
      signal.addEventListener("abort", unsubscribe);
      exposeRefApi?.({ getDoc: async () => view.doc, getObject: (id: string) => view.doc.getObject(id) });
      const undo = await drawUi(this.#element, view, this.#props);
      signal.addEventListener("abort", undo);
      if (signal.aborted) undo();
    } catch (error) {
      if (!signal.aborted) showNotice(this.#element, error instanceof Error ? error.message : String(error));
    }
  }

  /** Shows over the drawing that its connection has ended, and takes the notice away when it is back. */
  #follow(event: WebSocketEvent): void {
    if (event.eventType === "resumed" || event.eventType === "opened") showNotice(this.#element, undefined);
    else if (event.eventType === "suspended" || event.eventType === "closed")
      showNotice(this.#element, endText(event.code));
  }
}

/** What a close code means to the person in front of it; the codes: facts §5.5. */
function endText(code: number): string | undefined {
  // The vendor's client is back at once.
  if (code === 4003) return undefined;
  if (code === 4203) return "The connection has ended: no permission any more (4203).";
  return `Paused (${code}): it goes on as soon as you move the mouse.`;
}

/** Mounts one embedded UI into the target; the contract of the vendor's module of the same name. */
export function mountVanillaEmbedComponent(options: {
  readonly target: HTMLElement;
  readonly props: EmbedProps;
}): MountedComponent {
  return new Mounted(options.target, options.props);
}
