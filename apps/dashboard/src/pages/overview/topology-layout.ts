/** Roles of the nodes that are drawn. */
export type Role = "gateway" | "provider" | "validator" | "chain";

export interface TopologyNode {
  readonly id: string;
  readonly role: Role;
  readonly label: string;
  /** What a reader who points at it is told. */
  readonly about: string;
  /** Whether it serves now. */
  readonly online: boolean;
  /** Where more about it stands. */
  readonly to: string | null;
}

export interface PlacedNode extends TopologyNode {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
}

const WIDTH = 720;
const HEIGHT = 340;
/** Where each role stands: fractions of the width. */
const COLUMNS: Readonly<Record<Role, number>> = { gateway: 0.12, provider: 0.46, validator: 0.82, chain: 0.46 };
/** The chain lies below everything, because everything ends there. */
const CHAIN_ROOM = 56;
const MARGIN = 30;
/** From this many providers on they stand in two rows of columns, offset by half. */
const ONE_COLUMN = 7;
const SIDE_STEP = 0.1;

/** Columns by role: who buys, who computes, who checks; the chain below. Every node keeps away from the others. */
export function layOut(nodes: readonly TopologyNode[]): Layout {
  const room = HEIGHT - CHAIN_ROOM;
  const placed = nodes.map((node) => {
    if (node.role === "chain") {
      return { ...node, x: WIDTH * COLUMNS.chain, y: HEIGHT - MARGIN / 2 - 8 };
    }
    const peers = nodes.filter(({ role }) => role === node.role);
    const index = peers.indexOf(node);
    const columns = node.role === "provider" && peers.length > ONE_COLUMN ? Math.ceil(peers.length / ONE_COLUMN) : 1;
    const column = index % columns;
    const inColumn = Math.ceil((peers.length - column) / columns);
    const row = Math.floor(index / columns);
    const x = WIDTH * (COLUMNS[node.role] + (column - (columns - 1) / 2) * SIDE_STEP);
    return { ...node, x, y: MARGIN + ((room - 2 * MARGIN) * (row + 0.5)) / inColumn };
  });
  return { width: WIDTH, height: HEIGHT, nodes: placed };
}
