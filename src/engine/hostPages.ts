import { BEFORE_FIRST, type EventIndex, type Gfn, type Pfn } from './ids.js';
import { pagesPerEntry } from './spte.js';

/** What backs a guest page in the host. */
export interface HostPage {
  readonly pfn: Pfn;
  /** the host maps it writable; undefined before an SPTE showed it */
  readonly writable: boolean | undefined;
}

interface Seen extends HostPage {
  readonly at: EventIndex;
}

/**
 * Which page frame the host gave for each guest frame, as events showed it, each until a notifier or a slot change may have taken it
 * away.
 */
export class HostPages {
  private readonly pages = new Map<Gfn, Seen>();
  /** level of the host's mapping by 2 MiB region, where a request told it */
  private readonly levels = new Map<number, { readonly level: number; readonly at: EventIndex }>();
  private readonly absent = new Map<Gfn, EventIndex>();
  private changed: EventIndex = BEFORE_FIRST;
  private slotsChanged: EventIndex = BEFORE_FIRST;
  private slotsGrown: EventIndex = BEFORE_FIRST;

  /** A leaf of a level maps the frames from `gfn` on. */
  saw(gfn: Gfn, pfn: Pfn, writable: boolean, level: number, at: EventIndex): void {
    const count = level === 1 ? 1 : pagesPerEntry(2);
    for (let i = 0; i < count; i++) this.pages.set((gfn + i) as Gfn, { pfn: (pfn + i) as Pfn, writable, at });
  }

  /** A request named the frame; whether it is writable shows later. */
  sawFrame(gfn: Gfn, pfn: Pfn, writable: boolean | undefined, at: EventIndex): void {
    this.pages.set(gfn, { pfn, writable, at });
  }

  /** No memory slot holds the frame (KVM_PFN_NOSLOT). */
  sawNoSlot(gfn: Gfn, at: EventIndex): void {
    this.absent.set(gfn, at);
  }

  /** A request was mapped at a level although a larger page would have been allowed, or at a large level. */
  sawLevel(gfn: Gfn, level: number, at: EventIndex): void {
    this.levels.set(region(gfn), { level, at });
  }

  /** A notifier took a single guest page. */
  lost(gfn: Gfn): void {
    this.pages.delete(gfn);
    this.levels.delete(region(gfn));
  }

  /** A notifier took pages that no event names. */
  mayHaveChanged(at: EventIndex): void {
    this.changed = at;
  }

  slotsMayHaveChanged(at: EventIndex): void {
    this.slotsChanged = at;
  }

  /** User space ran: it may have added a slot. */
  slotsMayHaveGrown(at: EventIndex): void {
    this.slotsGrown = at;
  }

  /** The page behind a guest frame; undefined when none was seen since it may have changed. */
  at(gfn: Gfn): HostPage | undefined {
    const seen = this.pages.get(gfn);
    return seen && seen.at > this.changed && seen.at > this.slotsChanged ? seen : undefined;
  }

  /** Whether a guest frame is known to lie in no slot. */
  isAbsent(gfn: Gfn): boolean {
    return (this.absent.get(gfn) ?? BEFORE_FIRST) > Math.max(this.slotsGrown, this.slotsChanged);
  }

  /** A frame that was never seen may be there all the same. */
  isAtHand(): undefined {
    return undefined;
  }

  levelAt(gfn: Gfn): number | undefined {
    const seen = this.levels.get(region(gfn));
    return seen && seen.at > this.changed && seen.at > this.slotsChanged ? seen.level : undefined;
  }
}

function region(gfn: Gfn): number {
  return Math.floor(gfn / pagesPerEntry(2));
}
