import { Bytes } from './datFile.js';

/** Format descriptions for made-up files, in the words of the kernel. */
const COMMON = `	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
`;

export function format(system: string, name: string, id: number, fields: string, print: string): { system: string; text: string } {
  return { system, text: `name: ${name}\nID: ${id}\nformat:\n${COMMON}\n${fields}\n\nprint fmt: ${print}\n` };
}

export const ELEMENT = format(
  'kvmmmu',
  'kvm_mmu_paging_element',
  300,
  '\tfield:__u64 pte;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:__u32 level;\toffset:16;\tsize:4;\tsigned:0;',
  '"pte %llx level %u", REC->pte, REC->level',
);
export const KERNEL_STACK = format(
  'ftrace',
  'kernel_stack',
  4,
  '\tfield:int size;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:unsigned long caller[8];\toffset:16;\tsize:64;\tsigned:0;',
  '"\\t=> %ps\\n", (void *)REC->caller[0]',
);
export const BPRINT = format(
  'ftrace',
  'bprint',
  6,
  '\tfield:unsigned long ip;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:const char * fmt;\toffset:16;\tsize:8;\tsigned:0;\n\tfield:u32 buf[];\toffset:24;\tsize:0;\tsigned:0;',
  '"%ps: %s", (void *)REC->ip, REC->fmt',
);
export const PRINT = format(
  'ftrace',
  'print',
  5,
  '\tfield:unsigned long ip;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:char buf[];\toffset:16;\tsize:0;\tsigned:1;',
  '"%ps: %s", (void *)REC->ip, REC->buf',
);

/** Begins a record: the fields that all have. */
export function record(little: boolean, type: number, pid = 100, flags = 0, preempt = 1): Bytes {
  return new Bytes(little).int(type, 2).int(flags, 1).int(preempt, 1).int(pid, 4);
}

export function element(little: boolean, pte: bigint, level = 1, pid = 100): Uint8Array {
  return record(little, 300, pid).int(pte, 8).int(level, 4).int(0, 4).done();
}
