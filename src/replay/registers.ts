import type { Paging } from '../scenario/cpu.js';
import { parse } from '../scenario/language/parser.js';
import { pagingOf } from '../scenario/paging.js';
import { afterCrWrite } from '../scenario/registers.js';

/** `12: vcpu 0 paging 32 cr3 0x1000`: what the run of a scenario writes to trace_marker before each statement */
const STATEMENT = /^\d+: (.*)$/su;

/**
 * The control registers of a VM's vCPUs, as far as the trace of a scenario tells: its markers say what user space sets them to, which has
 * no event of its own, and kvm_cr what the guest writes. Of other traces nothing is known.
 */
export class KnownRegisters {
  private readonly byVcpu = new Map<number, Paging>();
  /** what a statement asks for; user space has not done it yet */
  private readonly asked = new Map<number, Paging>();
  /** vCPUs whose CR3 has another value than when their root was loaded */
  private readonly stale = new Set<number>();

  of(vcpu: number): Paging | undefined {
    return this.byVcpu.get(vcpu);
  }

  /**
   * Answers the vCPU that is created, if any is.
   *
   * @param text of a trace_marker
   */
  marked(text: string): number | undefined {
    const statement = STATEMENT.exec(text)?.[1];
    const action = statement === undefined ? undefined : parse(statement).program.statements[0]?.action;
    if (action?.kind !== 'vcpu') return undefined;
    const { mode, cr3, rootLevels, controls } = action;
    const id = action.id.value;
    const before = this.byVcpu.get(id);
    if (before && !mode && !cr3 && !rootLevels && Object.keys(controls).length === 0) return undefined;
    this.asked.set(id, pagingOf(action, before));
    if (before) return undefined;
    this.leftKvm(id);
    return id;
  }

  /** The vCPU's thread ran user space: what a statement asked for is done. */
  leftKvm(vcpu: number): void {
    const asked = this.asked.get(vcpu);
    if (asked) this.become(vcpu, asked);
  }

  wrote(vcpu: number, cr: number, value: bigint): void {
    const before = this.byVcpu.get(vcpu);
    const asked = this.asked.get(vcpu);
    if (asked) this.become(vcpu, asked);
    else if (before && (cr === 0 || cr === 3 || cr === 4)) this.become(vcpu, afterCrWrite(before, { cr, value }));
  }

  /** Whether CR3 has another value than when the root was loaded. */
  isStale(vcpu: number): boolean {
    return this.stale.has(vcpu);
  }
  /** The root was loaded anew. */
  renewed(vcpu: number): void {
    this.stale.delete(vcpu);
  }

  private become(vcpu: number, paging: Paging): void {
    const before = this.byVcpu.get(vcpu);
    this.asked.delete(vcpu);
    this.byVcpu.set(vcpu, paging);
    if (before && (before.cr3 !== paging.cr3 || (before.cr3Offset ?? 0) !== (paging.cr3Offset ?? 0))) this.stale.add(vcpu);
  }
}
