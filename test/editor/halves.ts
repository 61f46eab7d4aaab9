/** The scenario that the editor tests write, run and debug. */
export const HALVES = `# A write to the second half of a page table.
kernel 2.6.22
slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 0x1000

# Both halves of the table at 0x2000 are in use: each has a shadow page of its own.
set 0x1000[0] = gfn(0x2)|P|W|U|A
set 0x2000[0] = gfn(0x10)|P|W|U|A|D
set 0x2000[512] = gfn(0x20)|P|W|U|A|D
read 0x0
read 0x200000

emulate 0x2000[512] = 0
expect spte (gfn 0x2 level 1 quadrant 1)[0] is empty
# Without the quadrant filter, this one is gone as well.
expect spte (gfn 0x2 level 1 quadrant 0)[0] is leaf gfn 0x10
`;

/** Number of the first line that begins so, from 1. */
export const lineOf = (text: string): number => HALVES.split('\n').findIndex((line) => line.startsWith(text)) + 1;

/** The last statement: what fails without the filter. */
export const TELLING = 'expect spte (gfn 0x2 level 1 quadrant 0)';
