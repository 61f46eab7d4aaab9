import { Output, type Announcement } from '../../engine/announcement.js';
import { NO_PAGE, type EventIndex, type PageId } from '../../engine/ids.js';
import type { Mmu } from '../../engine/mmu.js';
import type { EventTable } from '../../trace/table.js';
import { EVENTS } from '../../trace/vocabulary.js';
import type { Difference } from '../compare.js';
import type { Finding } from '../view.js';
import { becauseOf, ruleOf } from './rules.js';
import { changedBits } from './spteBits.js';
import { announcedText } from './texts.js';

/** Where a card is made. */
export interface CardContext {
  readonly table: EventTable;
  readonly event: EventIndex;
  readonly mmu: Mmu;
}

type Card = Finding['card'];

/** `… recorded with W=1, predicted W=0` */
export function mismatchCard(ctx: CardContext, announced: Announcement, differences: readonly Difference[], page: PageId): Finding {
  const { table, event } = ctx;
  const name = table.name(event);
  const fields = differences.flatMap((difference) => named(ctx, difference));
  const list = (which: 'expected' | 'recorded'): string => fields.map((field) => `${field.label}${field.join}${field[which]}`).join(', ');
  const rule = ruleOf(announced, differences);
  const because = becauseOf(announced, ctx.mmu, table.info);
  const means = meaning(differences);
  return {
    ...base(ctx, kindOf(announced, differences), page),
    message: `${name} recorded with ${list('recorded')}, predicted ${list('expected')}: ${because} (${rule})${means ? `; ${means}` : ''}`,
    expected: values(differences, 'expected'),
    recorded: values(differences, 'recorded'),
    card: [
      ['prediction', `${name} recorded with ${list('recorded')}, predicted ${list('expected')}`],
      ['recorded', table.message(event)],
      ['predicted', announcedText(announced, table.info)],
      ['differs in', fields.map(({ label }) => label).join(', ')],
      ['because', because],
      ['rule', rule],
      ...(means ? [['means', means] as const] : []),
      ['state', 'what was recorded is kept'],
    ],
  };
}

/** `… predicted, not recorded: next is NAME at line N` */
export function missingCard(ctx: CardContext, announced: Announcement): Finding {
  const { table, event, mmu } = ctx;
  const name = nameOf(announced);
  const line = table.line(event);
  const next = `${table.name(event)} at ${line === undefined ? `event ${event}` : `line ${line}`}`;
  const because = becauseOf(announced, mmu, table.info);
  const rule = ruleOf(announced, []);
  const page = 'page' in announced ? announced.page : NO_PAGE;
  return {
    ...base(ctx, 'missing', page),
    name,
    message: `${name} predicted, not recorded: next is ${next}; ${because} (${rule})`,
    expected: { event: name, text: announcedText(announced, table.info) },
    recorded: { event: table.name(event) },
    card: [
      ['prediction', `${name} predicted, not recorded: next is ${next}`],
      ['predicted', announcedText(announced, table.info)],
      ['because', because],
      ['rule', rule],
      ['state', 'goes on as predicted'],
    ],
  };
}

/** `… recorded, nothing predicted here` */
export function unpredictedCard(ctx: CardContext, announced: Announcement | undefined, page: PageId): Finding {
  const { table, event, mmu } = ctx;
  const name = table.name(event);
  const instead = announced ? `${nameOf(announced)} must come first` : 'nothing predicted here';
  const card: Card = [
    ['prediction', `${name} recorded, ${instead}`],
    ['recorded', table.message(event)],
    ...(announced
      ? ([
          ['predicted', `${nameOf(announced)}: ${announcedText(announced, table.info)}`],
          ['because', becauseOf(announced, mmu, table.info)],
          ['rule', ruleOf(announced, [])],
        ] as const)
      : ([['because', 'no fault, write or request that is under way leads to it']] as const)),
    ['state', 'what was recorded is kept'],
  ];
  return {
    ...base(ctx, 'unpredicted', page),
    message: `${name} recorded, ${instead}${announced ? `: ${becauseOf(announced, mmu, table.info)}` : ': no fault, write or request leads to it'}`,
    expected: { event: announced ? nameOf(announced) : 'none' },
    recorded: { event: name },
    card,
  };
}

function base({ table, event, mmu }: CardContext, kind: string, page: PageId): Pick<Finding, 'event' | 'kind' | 'name' | 'vm' | 'page'> {
  return { event, kind, name: table.name(event), vm: mmu.vm, ...(page === NO_PAGE ? {} : { page }) };
}

function nameOf(announced: Announcement): string {
  return announced.output === Output.anything ? '' : EVENTS[announced.output].name;
}

/** The name of a finding: what it is about decides. */
function kindOf(announced: Announcement, differences: readonly Difference[]): string {
  if (differences.some(({ field }) => field === 'role.quadrant')) return 'quadrant-mismatch';
  if (differences.some(({ field }) => field.startsWith('role.'))) return 'role-mismatch';
  switch (announced.output) {
    case Output.setSpte:
    case Output.fastPageFault:
      return 'spte-mismatch';
    case Output.markMmio:
    case Output.checkMmio:
    case Output.handleMmio:
      return 'mmio-mismatch';
    case Output.spteRequested:
      return 'request-mismatch';
    case Output.zapAllFast:
      return 'generation-mismatch';
    default:
      return 'page-mismatch';
  }
}

interface NamedDifference {
  readonly label: string;
  readonly join: '=' | ' ';
  readonly expected: string;
  readonly recorded: string;
}

/** A difference in words; of an SPTE the bits that differ, by their names. */
function named({ mmu }: CardContext, { field, expected, recorded }: Difference): NamedDifference[] {
  if (/spte$/.test(field) && field !== 'spte_gen') return changedBits(mmu.format, BigInt(expected), BigInt(recorded));
  if (field === 'created') return [word('page', expected ? 'new' : 'existing', recorded ? 'new' : 'existing')];
  if (field === 'unsync') return [word('page', expected ? 'unsync' : 'sync', recorded ? 'unsync' : 'sync')];
  const label = field
    .replace(/^role\./, '')
    .replace('mmu_valid_gen', 'generation')
    .replace('mmu_used_pages', 'used_pages');
  return [{ label, join: ' ', expected: expected.toString(16), recorded: recorded.toString(16) }];
}

function word(label: string, expected: string, recorded: string): NamedDifference {
  return { label, join: ' ', expected, recorded };
}

/** What a wrong record would mean for the guest, where one can say it in a sentence. */
function meaning(differences: readonly Difference[]): string | undefined {
  const of = (field: string): Difference | undefined => differences.find((difference) => difference.field === field);
  if (of('role.access')) return 'a page with other rights was taken than the guest entries above it give';
  if (of('role.level')) return 'a page of another level was taken than the walk needs';
  if (of('created')) return of('created')!.recorded ? 'a second page for one gfn and role' : 'a page was found that does not live';
  if (of('root_count')) return 'a root slot was counted wrongly: a page in use may be freed, or never be';
  if (of('mmu_valid_gen')) return 'an obsolete page was taken for a current one, or the other way round';
  return undefined;
}

function values(differences: readonly Difference[], which: 'expected' | 'recorded'): Record<string, string | number> {
  return Object.fromEntries(
    differences.map((difference) => {
      const value = difference[which];
      return [difference.field, typeof value === 'bigint' ? `0x${value.toString(16)}` : value];
    }),
  );
}
