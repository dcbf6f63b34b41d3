import { expect, test } from "vitest";
import { layOut, type Role, type TopologyNode } from "./topology-layout.ts";

function nodes(role: Role, amount: number): readonly TopologyNode[] {
  return Array.from({ length: amount }, (_, index) => ({
    id: `${role}-${index}`,
    role,
    label: `${role} ${index}`,
    about: "",
    online: true,
    to: null,
  }));
}

test.each([1, 4, 7, 8, 20, 28])("no two of %i providers and their neighbours stand in each other's way", (amount) => {
  const {
    nodes: placed,
    width,
    height,
  } = layOut([...nodes("gateway", 2), ...nodes("provider", amount), ...nodes("validator", 5), ...nodes("chain", 1)]);
  for (const [index, a] of placed.entries()) {
    expect(a.x, a.id).toBeGreaterThan(20);
    expect(a.x, a.id).toBeLessThan(width - 20);
    expect(a.y, a.id).toBeGreaterThan(10);
    expect(a.y, a.id).toBeLessThan(height);
    for (const b of placed.slice(index + 1)) {
      expect(Math.hypot(a.x - b.x, a.y - b.y), `${a.id} and ${b.id}`).toBeGreaterThan(24);
    }
  }
});
