import { createServer, type AddressInfo, type Server } from 'node:net';
import { prepareReplay } from './load/replayThread.js';
import { Session } from './session.js';

/** What the command line starts: a server when a port is given, else one session over standard input and output. */
export async function serve(port?: number): Promise<void> {
  if (port === undefined) return serveStdio();
  const server = await servePort(port);
  process.stderr.write(`shadow-mmu: listening on 127.0.0.1:${(server.address() as AddressInfo).port}\n`);
}

/** One session over standard input and output; the process ends with it. */
export function serveStdio(): void {
  prepareReplay();
  const session = new Session(() => process.stdin.destroy());
  session.start(process.stdin, process.stdout);
}

/**
 * A server on the loopback interface, one session for each connection. Resolves when it listens; port 0 takes a free one.
 * Nobody but this machine can connect: a session reads any file its user may read.
 */
export function servePort(port: number): Promise<Server> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const session = new Session(() => socket.end());
    socket.on('end', () => socket.end());
    session.start(socket, socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
