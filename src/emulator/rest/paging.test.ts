import { describe, expect, test } from "vitest";
import { pageOf, type Page } from "./paging.ts";

const tenant = { address: "https://acme.localhost", addressWithPort: "https://acme.localhost:443" };

function page(query: string): Page<number> {
  return pageOf({ tenant, path: "/api/v1/items", query: new URLSearchParams(query) }, [1, 2, 3, 4, 5]);
}

describe("pageOf", () => {
  test("links to the next page without the port of the scheme and to the previous one with it", () => {
    const first = page("limit=2&sort=name");
    expect(first.data).toEqual([1, 2]);
    expect(first.links["next"]?.href).toMatch(
      /^https:\/\/acme\.localhost\/api\/v1\/items\?limit=2&sort=name&page=[\w-]+$/,
    );
    const second = page(new URL(first.links["next"]?.href ?? "").search);
    expect(second.data).toEqual([3, 4]);
    expect(second.links["prev"]?.href).toBe("https://acme.localhost:443/api/v1/items?limit=2&sort=name");
  });

  test("has no links to pages that are not there", () => {
    expect(Object.keys(page("").links)).toEqual(["self"]);
  });

  test.each(["limit=0", "limit=-1", "limit=x", "page=x", "limit=1000"])(
    "reads %s as if it were not there",
    (query) => {
      expect(page(query).data).toEqual([1, 2, 3, 4, 5]);
    },
  );
});
