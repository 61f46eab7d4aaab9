import { UsageError, natural, type Command, type Options } from './command.js';

export const dap: Command = {
  usage: ['dap [--port N]', 'the debug adapter'],
  takes: ['port'],
  run: run,
};

async function run(files: readonly string[], options: Options): Promise<number> {
  if (files.length) throw new UsageError(`'dap' takes no file; the client's launch request names the trace`);
  const { serve } = await import('../debug/serve.js');
  const port = options.port === undefined ? undefined : natural('port', options.port);
  if (port !== undefined && port > 65535) throw new UsageError(`--port ${port}: ports end at 65535`);
  try {
    await serve(port);
  } catch (error) {
    throw new UsageError(`cannot listen on port ${port}: ${error instanceof Error ? error.message : String(error)}; choose another`);
  }
  return 0;
}
