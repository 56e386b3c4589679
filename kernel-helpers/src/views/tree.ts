/** Where a node stands: the middle of its upper edge, its row, and its place in that row from the left. */
export interface Placed {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly row: number;
  readonly column: number;
}

interface Node {
  readonly id: string;
  readonly kind: string;
}

interface Edge {
  readonly from: string;
  readonly to: string;
}

/**
 * Rows by distance from the best connected broker, each node above the middle of what hangs on it. Any graph will do:
 * cycles are cut by the first way found, parts without a connection stand side by side, unknown ends are left out.
 */
export function placeTree(
  nodes: readonly Node[],
  edges: readonly Edge[],
  box: { w: number; h: number; gapX: number; gapY: number },
): { at: Map<string, Placed>; width: number; height: number } {
  const kinds = new Map(nodes.map((node) => [node.id, node.kind]));
  const beside = new Map<string, string[]>([...kinds.keys()].map((id) => [id, []]));
  for (const { from, to } of edges) {
    if (from === to || !beside.has(from) || !beside.has(to)) continue;
    beside.get(from)?.push(to);
    beside.get(to)?.push(from);
  }
  const brokersBeside = (id: string) => new Set(beside.get(id)?.filter((other) => kinds.get(other) === "broker")).size;
  const order = [...kinds.keys()].sort(
    (a, b) =>
      Number(kinds.get(b) === "broker") - Number(kinds.get(a) === "broker") || brokersBeside(b) - brokersBeside(a),
  );
  const children = new Map<string, string[]>();
  const row = new Map<string, number>();
  const roots = order.filter((root) => !row.has(root) && walk(root, beside, children, row, kinds));
  const at = new Map<string, Placed>();
  const filled = new Map<number, number>();
  let x = 0;
  const place = (id: string): number => {
    const below = (children.get(id) ?? []).map(place);
    if (!below.length) x += box.w + box.gapX;
    const middle = below.length ? ((below[0] as number) + (below.at(-1) as number)) / 2 : x - box.gapX - box.w / 2;
    const level = row.get(id) ?? 0;
    const column = filled.get(level) ?? 0;
    filled.set(level, column + 1);
    at.set(id, { id, x: middle, y: level * (box.h + box.gapY), row: level, column });
    return middle;
  };
  for (const root of roots) place(root);
  const rows = Math.max(0, ...row.values()) + 1;
  return { at, width: Math.max(box.w, x - box.gapX), height: rows * (box.h + box.gapY) - box.gapY };
}

/** Breadth first, brokers before clients, so that a broker hangs on a broker. Returns true, for the filter that calls it. */
function walk(
  root: string,
  beside: ReadonlyMap<string, readonly string[]>,
  children: Map<string, string[]>,
  row: Map<string, number>,
  kinds: ReadonlyMap<string, string>,
): true {
  row.set(root, 0);
  const queue = [root];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    const next = [...new Set(beside.get(id))].filter((other) => !row.has(other));
    next.sort((a, b) => Number(kinds.get(b) === "broker") - Number(kinds.get(a) === "broker"));
    for (const other of next) row.set(other, (row.get(id) ?? 0) + 1);
    children.set(id, next);
    queue.push(...next);
  }
  return true;
}
