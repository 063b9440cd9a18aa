import { describe, expect, test } from "vitest";
import { withoutHints } from "./link-hints.ts";

describe("withoutHints", () => {
  test.each([
    ["</a>; rel=next", "</a>; rel=next"],
    ['</a>; rel="next", </b>; rel=prev', '</a>; rel="next", </b>; rel=prev'],
    ["</a>; rel=preload; as=script", null],
    ["</a>;REL = PreLoad", null],
    ['</a>; as=font; rel="alternate stylesheet"', null],
    ['</a>; rel="next preconnect", </b>; rel=last', "</b>; rel=last"],
    ["</a,b;rel=preload>; rel=next, </c>; rel=prefetch", "</a,b;rel=preload>; rel=next"],
    [
      '</a>; title="x, </b>; rel=preload \\" y"; rel=next',
      '</a>; title="x, </b>; rel=preload \\" y"; rel=next',
    ],
    ['</a>; rel="pre\\load"', null],
    ["</a>; anchor=preload", "</a>; anchor=preload"],
    ["</a>", "</a>"],
    ["", ""],
  ])("%s", (value, wanted) => {
    expect(withoutHints(value)).toBe(wanted);
  });
});
