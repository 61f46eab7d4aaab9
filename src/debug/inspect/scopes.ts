import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventIndex, PageId } from '../../engine/ids.js';
import { EVENTS, type Kind } from '../../trace/vocabulary.js';
import { argumentFields, commonFields, type EventField } from '../forms/events.js';
import { count, plural } from '../forms/numbers.js';
import { pageName, rootText, tableText } from '../forms/pages.js';
import { eventFrame, faultFrame } from '../forms/stops.js';
import type { Recording } from '../load/recording.js';
import type { Position } from '../motion/position.js';
import { branch, type Branch, type Row } from './rows.js';
import type { PageTree } from './pageTree.js';
import { byName, shadowPagesScope } from './shadowPages.js';
import type { Threads } from './threads.js';

/** The six scopes of a frame. All but the first two show the present state, whichever frame is selected. */
export class Scopes {
  constructor(
    private readonly recording: Recording,
    private readonly position: Position,
    private readonly threads: Threads,
    private readonly tree: PageTree,
  ) {}

  of(event: EventIndex, handle: (branch: Branch) => number): P.Scope[] {
    const scope = (name: string, rows: () => Row[], hint?: string, size?: number): P.Scope => ({
      name,
      variablesReference: handle(branch(rows, size === undefined ? {} : { count: size })),
      expensive: false,
      ...(size !== undefined && { indexedVariables: size }),
      ...(hint && { presentationHint: hint }),
    });
    return [
      scope('Event', () => this.event(event), 'arguments'),
      scope('vCPU', () => this.vcpu(event), 'registers'),
      scope('Shadow pages', () => shadowPagesScope(this.position, this.recording.vm, this.tree), 'locals'),
      scope('MMU', () => this.mmu()),
      scope('Statistics', () => this.statistics()),
      scope('Findings', () => this.findings(), undefined, Math.max(1, this.recording.replay.findings.length)),
    ];
  }

  private event(event: EventIndex): Row[] {
    const { form } = this.position;
    const finding = this.recording.replay.findingAt(event);
    return [
      { name: 'name', value: this.recording.table.name(event) },
      ...commonFields(form, event).map((field) => this.field(field)),
      ...argumentFields(form, event).map((field) => this.field(field)),
      ...this.about(event),
      ...(finding ? [{ name: 'finding', value: finding.message }] : []),
    ];
  }

  /** The page and the SPTE that the event is about, as they are now. */
  private about(event: EventIndex): Row[] {
    const { replay } = this.recording;
    const page = replay.pageOf(event);
    const spte = replay.spteOf(event);
    return [...(page ? [this.tree.page('sp', page)] : []), ...(spte ? [this.tree.spte('entry', spte.page, spte.index)] : [])];
  }

  private field({ name, text, page, spte }: EventField): Row {
    if (spte) return { ...this.tree.spte(name, spte.page, spte.index), value: text };
    return { name, value: text, ...(page && { branch: this.tree.pageBranch(page) }) };
  }

  private vcpu(event: EventIndex): Row[] {
    const { replay, table } = this.recording;
    const vcpu = replay.vcpuOf(event);
    const exit = replay.exitOf(event);
    const fault = replay.faultOf(event);
    const rows: Row[] = [{ name: 'task', value: this.threads.name(table.pid(event)) }];
    if (vcpu) {
      rows.push({ name: 'vcpu', value: String(vcpu.vcpu) }, { name: 'vm', value: String(vcpu.vm) });
      const root = this.position.cursor.roots(vcpu.vm).find((r) => r.vcpu === vcpu.vcpu);
      const target = { kind: 'root', vm: vcpu.vm, vcpu: vcpu.vcpu } as const;
      rows.push({ name: 'root', value: rootText(this.position.form, root?.pages ?? []), target });
      for (const table of root?.tables ?? []) rows.push({ name: table.name, value: tableText(this.position.form, table) });
    }
    rows.push({ name: 'exit', value: exit === undefined ? 'none' : `${eventFrame(table, exit)}, event ${count(exit)}` });
    rows.push({ name: 'fault', value: fault ? `${faultFrame(fault)}, event ${count(fault.first)}` : 'none' });
    return rows;
  }

  private mmu(): Row[] {
    const { cursor } = this.position;
    const { vm } = this.recording;
    const all = cursor.livePages(vm);
    const live = all.filter((id) => !cursor.isLocal(id));
    const local = all.filter((id) => cursor.isLocal(id));
    const buckets = cursor.hashBuckets(vm);
    const shared = buckets.filter(({ pages }) => pages.length > 1).length;
    return [
      { name: 'used pages', value: count(cursor.usedPages(vm)) },
      { name: 'generation', value: String(cursor.generation(vm)) },
      {
        name: 'active pages',
        value: `${plural(live.length, 'page')}, oldest first`,
        ...(live.length > 0 && { branch: branch(() => this.pages(live), { count: live.length }) }),
      },
      {
        name: 'hash',
        value: `${plural(buckets.length, 'bucket')} of 4,096 in use, ${count(shared)} with more than one page`,
        ...(live.length > 0 && { branch: branch(() => this.buckets(buckets), { count: buckets.length }) }),
      },
      ...(local.length > 0
        ? [
            {
              name: 'local pages',
              value: `${plural(local.length, 'page')}, in no list, not counted`,
              branch: branch(() => this.pages(local), { count: local.length }),
            },
          ]
        : []),
    ];
  }

  private pages(ids: readonly PageId[]): Row[] {
    const { cursor } = this.position;
    return byName(
      ids.map((id) => cursor.page(id)),
      this.tree,
    );
  }

  /** Chains in the order in which kvm_mmu_get_page looks through them. */
  private buckets(buckets: readonly { bucket: number; pages: readonly PageId[] }[]): Row[] {
    const { cursor } = this.position;
    return buckets.map(({ bucket, pages }) => ({
      name: `[${bucket}]`,
      value: pages.map((id) => pageName(cursor.page(id))).join(' → '),
      branch: branch(() => this.pages(pages)),
    }));
  }

  /** KVM's own counters, then the events by name: up to here, of all that are loaded. */
  private statistics(): Row[] {
    const { lists, end, replay } = this.recording;
    const here = this.position.event;
    const known = EVENTS.map(({ name }, kind) => ({ name, list: lists.ofKind(kind as Kind) }));
    const others = lists.otherNames().map((name) => ({ name, list: lists.named(name) }));
    return [
      { name: 'events', value: `${count(here + 1)} of ${count(end)}` },
      { name: 'findings', value: count(replay.findings.length) },
      ...this.position.cursor
        .statistics(this.recording.vm)
        .map(({ name, value, partial }) => ({ name, value: partial ? `${count(value)} ? of what the trace shows` : count(value) })),
      ...[...known, ...others]
        .filter(({ list }) => list.length > 0)
        .map(({ name, list }) => ({ name, value: `${count(list.rank(here))} of ${count(list.length)}` })),
    ];
  }

  private findings(): Row[] {
    const { replay, table } = this.recording;
    if (replay.findings.length === 0) return [{ name: 'none', value: 'What the kernel recorded agrees with the model of its algorithm.' }];
    return replay.findings.map((finding) => ({
      name: `event ${count(finding.event)}`,
      value: finding.message,
      type: finding.kind,
      branch: branch(() => [
        ...finding.card.map(([name, value]) => ({ name, value })),
        { name: 'event', value: eventFrame(table, finding.event) },
        ...(finding.page ? [this.tree.page('page', finding.page)] : []),
      ]),
    }));
  }
}
