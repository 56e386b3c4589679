/** Which networks a lab's containers need, when some may not talk to some: two talk where they share a network. Pure. */

/**
 * @param members names, in the order in which they came. @param cuts who may not talk to whom; of a pair the first leaves
 * the main network, unless the other has left it already. @param talks whether two may, beyond what `cuts` says.
 * @returns the main network's members first, then what further networks have, each with two at least.
 */
export function groupsOf(
  members: readonly string[],
  cuts: readonly (readonly [string, string])[],
  talks: (a: string, b: string) => boolean,
): string[][] {
  const main = new Set(members);
  for (const [a, b] of cuts) if (main.has(a) && main.has(b)) main.delete(a);
  // What stands for a broker (a tap's door) leaves where it may not stay.
  for (const one of members)
    if (main.has(one) && [...main].some((other) => other !== one && !talks(one, other))) main.delete(one);
  const groups = [[...main]];
  const together = (a: string, b: string) => groups.some((group) => group.includes(a) && group.includes(b));
  for (const a of members) {
    for (const b of members) {
      if (a === b || !talks(a, b) || together(a, b)) continue;
      const group = [a, b];
      for (const c of members) if (!group.includes(c) && group.every((one) => talks(one, c))) group.push(c);
      groups.push(members.filter((one) => group.includes(one)));
    }
  }
  return groups;
}
