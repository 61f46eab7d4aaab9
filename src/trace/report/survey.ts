import { textOf } from '../bytes.js';
import type { KernelEvidence } from '../evidence.js';
import { parsePluginRole } from './roleWord.js';

/** How a text shows role words: as the plugin's flags, whole as decimal numbers, or as the kernel's own print fmt says. */
export type RoleForm = 'plugin' | 'number' | 'printed';

const PAGE =
  /\bkvm_mmu_get_page:\s+(?:(?<plugin>(?:new|existing) sp gfn [0-9a-f]+ (?<flags>.+?) root \d)|.*\bgfn=\d+ role=(?<number>\d+) )/;
const PID = /[-\s/](\d+)\s+(?:\[\d+\]|\d+\S{4,8} )/;
const PRINTED = /\bkvm_mmu_get_page:\s+sp gen \d+ gfn [0-9a-f]+ l\d+ [48]-byte q\d(?: direct)? ([rwux-]{3,4}) /;
const WALK = /\bkvm_mmu_pagetable_walk:/;
const ELEMENT = /\bkvm_mmu_paging_element:\s+pte [0-9a-f]+ level (\d)/;
const REQUEST = /\bkvm_mmu_spte_requested:\s+gfn \S+ pfn \S+ level \d( access)?/;
const FAULT = /\bkvm_page_fault:\s+(address|vcpu)/;

/** bits of a word that all layouts have in the same place */
const LEVEL = 15;
const BIT_4 = 0x10;
const QUADRANT = 0x60;
const DIRECT = 0x80;
/** 7.x: the right to execute; before: `invalid` */
const BIT_11 = 0x800;
/** 7.x: `invalid`; before: `efer_nx` */
const BIT_12 = 0x1000;

/**
 * Reads the beginning of a report for what the rest cannot be read without: whether role words are whole, and by which kernel's layout they
 * have to be read. What the words say of pages that can only be of one kind tells the layout (spec/roles.md §2): quadrants are of 4-byte
 * guest entries, direct pages and levels from 3 on are not, and a page that was just made is valid.
 */
export class Survey {
  form: RoleForm | undefined;
  /** nothing more needs to be seen */
  get done(): boolean {
    return this.form === 'printed' || (this.form !== undefined && this.#letters && this.#gpteBytes);
  }
  #letters = false;
  #gpteBytes = false;
  #rest = '';
  /** by task: the level of the top table in its last walk */
  readonly #top = new Map<string, number>();
  readonly #evidence: KernelEvidence;

  constructor(evidence: KernelEvidence) {
    this.#evidence = evidence;
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + textOf(chunk)).split('\n');
    this.#rest = lines.pop()!.slice(0, 1000);
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const printed = PRINTED.exec(line);
    if (printed) {
      this.form ??= 'printed';
      return this.#seeLetters(printed[1]!.length === 4 ? 4 : 3);
    }
    const page = PAGE.exec(line)?.groups;
    if (page) return this.#page(line, page);
    const pid = PID.exec(line)?.[1] ?? '';
    const element = ELEMENT.exec(line);
    if (element && this.#top.get(pid) === 0) this.#top.set(pid, Number(element[1]));
    else if (!element && WALK.test(line)) this.#top.set(pid, 0);
    const request = REQUEST.exec(line);
    if (request) this.#seeLetters(request[1] ? 4 : 3);
    const fault = FAULT.exec(line);
    if (fault) this.#evidence.see(fault[1] === 'vcpu' ? 'faultWithVcpu' : 'faultWithoutVcpu');
  }

  #page(line: string, { plugin, flags, number }: Partial<Record<string, string>>): void {
    const word = plugin === undefined ? Number(number) : parsePluginRole(flags!);
    if (word === undefined) return;
    this.form ??= plugin === undefined ? 'number' : 'plugin';
    const created = plugin === undefined ? /created=1/.test(line) : plugin.startsWith('new');
    if (created && word & BIT_11) this.#seeLetters(4);
    else if (created && word & BIT_12) this.#seeLetters(3);
    const of4Bytes = this.#of4Bytes(line, word);
    if (of4Bytes === undefined) return;
    this.#gpteBytes = true;
    this.#evidence.see(of4Bytes === ((word & BIT_4) !== 0) ? 'bit4Is4Byte' : 'bit4Is8Byte');
  }

  /** Whether a page shadows 4-byte guest entries, as far as anything but bit 4 tells. */
  #of4Bytes(line: string, word: number): boolean | undefined {
    if (word & QUADRANT) return true;
    if (word & DIRECT || (word & LEVEL) > 2) return false;
    const top = this.#top.get(PID.exec(line)?.[1] ?? '');
    return (word & LEVEL) !== 1 || !top ? undefined : top <= 2;
  }

  #seeLetters(letters: 3 | 4): void {
    this.#letters = true;
    this.#evidence.see(letters === 3 ? 'letters3' : 'letters4');
  }
}
