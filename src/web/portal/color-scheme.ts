/** Keeps the embedded charts in the colour scheme that the rest of the page has from its style sheet. */
export function followColorScheme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    for (const embed of document.querySelectorAll("qlik-embed"))
      embed.setAttribute("theme", dark.matches ? "portal-dark" : "portal-light");
  };
  apply();
  dark.addEventListener("change", apply);
}
