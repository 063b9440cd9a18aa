const noticeName = "data-embed-notice";

/** Lays a short text over an embedded UI; undefined takes it away. */
export function showNotice(element: HTMLElement, text: string | undefined): void {
  element.querySelector(`:scope > [${noticeName}]`)?.remove();
  if (text === undefined) return;
  const notice = document.createElement("div");
  notice.setAttribute(noticeName, "");
  notice.setAttribute("role", "status");
  notice.style.cssText =
    "position:absolute;inset:0;display:grid;place-items:center;text-align:center;padding:16px;" +
    "font:500 13px/1.4 system-ui,sans-serif;background:color-mix(in srgb,Canvas 82%,transparent);z-index:2";
  notice.textContent = text;
  element.append(notice);
}
