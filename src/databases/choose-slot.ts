/**
 * The number of a new database's endpoint in a region: the one after the highest, so that a port that was somebody else's is
 * given away again as late as possible; then the lowest that nobody has.
 *
 * @param taken those of databases that are there, or can still be brought back
 * @param highest of all that were ever given and are on record, -1 if there were none
 * @returns undefined if all are taken
 */
export function chooseSlot(slots: number, taken: ReadonlySet<number>, highest: number): number | undefined {
  if (highest + 1 < slots) return highest + 1;
  for (let slot = 0; slot < slots; slot += 1) if (!taken.has(slot)) return slot;
  return undefined;
}
