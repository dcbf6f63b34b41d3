import { describe, expect, it } from "vitest";
import { LinkTable, type TabledLink } from "./link-table.ts";

class FakeLink implements TabledLink {
  readonly peerId = "peer-m";
  readonly initiator: boolean;
  readonly remoteHello: { readonly instance: string };
  fate = "stays";

  constructor(initiator: boolean, instance = "first run") {
    this.initiator = initiator;
    this.remoteHello = { instance };
  }

  retire(): void {
    this.fate = "retires";
  }

  close(): void {
    this.fate = "closes";
  }
}

/** What becomes of two links that got ready one after the other, at a node with this peer id. */
function meet(localPeerId: string, present: FakeLink, arrived: FakeLink): string {
  const table = new LinkTable<FakeLink>(localPeerId);
  expect(table.admit(present)).toBe(true);
  const admitted = table.admit(arrived);
  expect(table.get("peer-m")).toBe(admitted ? arrived : present);
  return `present ${present.fate}, arrived ${arrived.fate}`;
}

describe("two links to one peer", () => {
  it.each([
    ["smaller than the peer", "peer-a"],
    ["larger than the peer", "peer-z"],
  ])("keep the same one on both sides and in both orders when each side opened one: %s", (_what, localPeerId) => {
    const openedHere = localPeerId < "peer-m";
    for (const presentHere of [true, false]) {
      const result = meet(localPeerId, new FakeLink(presentHere), new FakeLink(!presentHere));
      expect(result, `present opened ${presentHere ? "here" : "there"}`).toBe(
        presentHere === openedHere ? "present stays, arrived retires" : "present retires, arrived stays",
      );
    }
  });

  it("keep the newer one when the same side opened both: it would not have dialled with a live link", () => {
    expect(meet("peer-a", new FakeLink(false), new FakeLink(false))).toBe("present retires, arrived stays");
    expect(meet("peer-z", new FakeLink(true), new FakeLink(true))).toBe("present retires, arrived stays");
  });

  it("drop the older one at once when the peer restarted, whoever opened it", () => {
    for (const [here, there] of [
      [true, false],
      [false, true],
    ] as const) {
      expect(meet("peer-a", new FakeLink(here), new FakeLink(there, "second run"))).toBe(
        "present closes, arrived stays",
      );
    }
  });

  it("leave the one that stayed when the other is removed", () => {
    const table = new LinkTable<FakeLink>("peer-a");
    const [winner, loser] = [new FakeLink(true), new FakeLink(false)];
    table.admit(winner);
    table.admit(loser);
    table.remove(loser);
    expect(table.all()).toEqual([winner]);
    table.remove(winner);
    expect(table.all()).toEqual([]);
  });
});
