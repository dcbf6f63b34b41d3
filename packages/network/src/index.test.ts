import { expect, it } from "vitest";
import * as network from "./index.ts";

it("exports what the services build on, and nothing else", () => {
  expect(Object.keys(network).sort()).toMatchInlineSnapshot(`
    [
      "NetworkError",
      "createHost",
      "createNodeKey",
      "createOfferBook",
      "decodeSignedOffer",
      "query",
      "signOffer",
      "systemClock",
      "verifyOffer",
    ]
  `);
});
