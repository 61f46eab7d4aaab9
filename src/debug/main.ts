import { serve } from './serve.js';
import { messageOf } from './wire/errors.js';

/** The debug adapter as a process: `node dist/debugAdapter.js [--port N]`. */
const USAGE = 'usage: debugAdapter [--port N]';
const [option = '', separate] = process.argv.slice(2);
const port = /^--port(?:=(\d+))?$/.exec(option);

if (option === '') start();
else if (port && /^\d+$/.test(port[1] ?? separate ?? '')) start(Number(port[1] ?? separate));
else fail(USAGE);

function start(onPort?: number): void {
  serve(onPort).catch((error: unknown) => fail(messageOf(error)));
}

function fail(message: string): void {
  process.stderr.write(`shadow-mmu: ${message}\n`);
  process.exitCode = 2;
}
