import { describe, expect, test } from "vitest";
import { html } from "./html.ts";

describe("html", () => {
  test("escapes what is put into it, in text and in attributes", () => {
    const name = `<b>"Mallory" & 'Co'</b>`;
    expect(html`<p title="${name}">${name}</p>`.markup).toBe(
      '<p title="&lt;b&gt;&quot;Mallory&quot; &amp; &#39;Co&#39;&lt;/b&gt;">&lt;b&gt;&quot;Mallory&quot; &amp; &#39;Co&#39;&lt;/b&gt;</p>',
    );
  });

  test("takes markup and lists of markup as they are", () => {
    const items = ["a", "<b>"].map((text) => html`<li>${text}</li>`);
    expect(
      html`<ul>
        ${items}
      </ul>`.markup,
    ).toContain("<li>a</li><li>&lt;b&gt;</li>");
  });

  test("leaves a gap where there is nothing", () => {
    expect(html`<p>${undefined}</p>`.markup).toBe("<p></p>");
  });
});
