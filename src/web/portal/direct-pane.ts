import { element } from "./page-settings.ts";

/** How the direct embedding ended; sent by the page in the frame. */
export type DirectOutcome = "drawn" | "certificate" | "no-session" | "refused";

const reasons: Readonly<Record<DirectOutcome, string>> = {
  drawn: "It is drawn: this browser still sends cookies to another site, which most browsers no longer do.",
  certificate:
    "It fails because this browser does not accept the certificate that this demo's tenant has made for itself.",
  "no-session":
    "It fails because no session cookie reached the tenant: a browser that blocks third-party cookies sends none from here, even after you sign in there.",
  refused: "It fails because the tenant refuses the connection; the frame says how.",
};

/** Shows under the frame how the direct embedding went, in one sentence. */
export function startDirectPane(): void {
  const frame = element<HTMLIFrameElement>("direct");
  const reason = element("direct-reason");
  addEventListener("message", ({ source, origin, data }: MessageEvent<DirectOutcome>) => {
    if (source !== frame.contentWindow || origin !== location.origin) return;
    reason.textContent = reasons[data];
    reason.dataset["outcome"] = data;
  });
  element("direct-again").addEventListener("click", () => {
    reason.textContent = "Trying …";
    delete reason.dataset["outcome"];
    frame.contentWindow?.location.reload();
  });
  // Only now, so that no outcome is missed.
  frame.src = "/direct";
}
