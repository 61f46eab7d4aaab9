import type { Cursor } from './cursor.js';
import type { DatFile } from './container.js';

/** The parts that version 6 has in a row and version 7 in sections; their insides are the same (trace-cmd.dat(5)). */

export function readHeaders(c: Cursor, dat: DatFile): void {
  c.cstring(); // "header_page"
  dat.headerPage = c.text(c.size64('the size of header_page'));
  c.cstring(); // "header_event": how events are packed, which has been the same in all kernels
  c.bytes(c.size64('the size of header_event'));
}

export function readFtraceFormats(c: Cursor, dat: DatFile): void {
  for (let n = c.u32(); n > 0; n--) dat.ftraceFormats.push(c.text(c.size64('the size of a format')));
}

export function readEventFormats(c: Cursor, dat: DatFile): void {
  for (let systems = c.u32(); systems > 0; systems--) {
    const system = c.cstring();
    for (let n = c.u32(); n > 0; n--) dat.eventFormats.push({ system, text: c.text(c.size64('the size of a format')) });
  }
}

export function readPrintk(c: Cursor, dat: DatFile): void {
  dat.printk = c.text(c.u32());
}

export function readCmdlines(c: Cursor, dat: DatFile): void {
  dat.cmdlines = c.text(c.size64('the size of the task names'));
}

/** Ids of the options that both versions have. */
const CPUSTAT = 2;
const TRACECLOCK = 4;
const UNAME = 5;
const TSC2NSEC = 14;

export function readOption(id: number, c: Cursor, dat: DatFile): void {
  const text = (): string => c.text(c.left).replace(/\0[^]*$/, '');
  switch (id) {
    case CPUSTAT:
      dat.options.cpuStats.push(text());
      break;
    case TRACECLOCK:
      dat.options.traceClock = /\[(.*?)\]/.exec(text())?.[1];
      break;
    case UNAME:
      dat.options.uname = text();
      break;
    case TSC2NSEC:
      dat.options.tsc = { multiplier: BigInt(c.u32()), shift: BigInt(c.u32()) };
      break;
    // All others (dates, hooks, maps of processes, other machines) do not change what the events say.
  }
}
