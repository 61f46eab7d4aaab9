import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { servePort } from '../../src/debug/serve.js';
import { DapClient } from './client.js';
import { recording } from './recordings.js';

const TRACE = recording('k6.1-nonpae-small-all.txt.zst');
const PROGRAM = path.resolve('dist/debugAdapter.js');

async function firstStop(client: DapClient): Promise<string> {
  await client.request('initialize', { adapterID: 'test' });
  await client.request('launch', { trace: TRACE });
  await client.request('configurationDone');
  return (await client.event<P.StoppedEvent>('stopped')).reason;
}

describe('the adapter as a server', () => {
  it('serves several clients on a port of this machine', async () => {
    const server = await servePort(0);
    const { port, address } = server.address() as AddressInfo;
    assert.equal(address, '127.0.0.1');
    for (let i = 0; i < 2; i++) {
      const socket = connect(port, '127.0.0.1');
      const client = new DapClient(socket, socket, () => socket.destroy());
      assert.equal(await firstStop(client), 'entry');
      await client.request('disconnect');
      await once(socket, 'close');
    }
    server.close();
  });

  it('lives through a client that goes without a word', async () => {
    const server = await servePort(0);
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    const client = new DapClient(socket, socket, () => socket.destroy());
    await firstStop(client);
    client.close();
    const next = connect(port, '127.0.0.1');
    assert.equal(await firstStop(new DapClient(next, next, () => next.destroy())), 'entry');
    next.destroy();
    server.close();
  });

  it('is a program that ends with its session', async function () {
    assert.ok(existsSync(PROGRAM), 'npm run build makes it');
    const client = DapClient.process(PROGRAM);
    assert.equal(await firstStop(client), 'entry');
    const exit = once(client.child, 'exit');
    await client.request('disconnect');
    assert.deepEqual(await exit, [0, null]);
  });

  it('ends when its client is gone', async function () {
    assert.ok(existsSync(PROGRAM), 'npm run build makes it');
    const client = DapClient.process(PROGRAM);
    assert.equal(await firstStop(client), 'entry');
    const exit = once(client.child, 'exit');
    client.child.stdin.end();
    assert.deepEqual(await exit, [0, null]);
  });
});
