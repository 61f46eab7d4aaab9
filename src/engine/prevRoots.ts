/**
 * The order of a vCPU's cached roots: the current one, then `prev_roots` from the latest to the oldest. Slots may be empty. Page
 * directory pointer tables never come here: only roots of level 4 and 5 are cached (spec/roots.md §6).
 */
export interface RootSwitch<Root> {
  /** the slots after the switch: the current root first. When nothing was found, the first is the root that has to go */
  readonly slots: readonly Root[];
  readonly found: boolean;
}

/**
 * Looks for a root among the current and the previous ones, and makes it the current one [6.1 mmu.c:fast_pgd_switch]. With a current
 * root the search itself moves every root it passes one slot back; without one the found root leaves its slot to those behind it.
 */
export function switchRoot<Root>(
  slots: readonly Root[],
  isEmpty: (root: Root) => boolean,
  isWanted: (root: Root) => boolean,
): RootSwitch<Root> {
  const wanted = slots.findIndex((root) => !isEmpty(root) && isWanted(root));
  const [current, ...previous] = slots as readonly [Root, ...Root[]];
  if (wanted === 0) return { slots, found: true };
  if (!isEmpty(current)) {
    const oldest = previous.pop() ?? current;
    if (wanted < 0) return { slots: [oldest, current, ...previous], found: false };
    return { slots: [slots[wanted]!, ...slots.slice(0, wanted), ...slots.slice(wanted + 1)], found: true };
  }
  if (wanted < 0) return { slots, found: false };
  return { slots: [slots[wanted]!, ...slots.slice(1, wanted), ...slots.slice(wanted + 1), current], found: true };
}
