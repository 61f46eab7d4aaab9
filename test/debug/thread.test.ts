import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { LoadedEvent } from '../../src/protocol.js';
import { DapClient } from './client.js';
import { Driver } from './driver.js';
import { recording } from './recordings.js';

const PROGRAM = path.resolve('dist/debugAdapter.js');
const TRACE = recording('k6.1-three-vms-all.dat');

/** The built adapter, whose replay has a thread of its own, at its first stop. */
async function launched(trace: string, args: Record<string, unknown> = {}): Promise<DapClient> {
  const client = DapClient.process(PROGRAM);
  await client.request('initialize', { adapterID: 'test', supportsProgressReporting: true });
  await client.request('launch', { trace, ...args });
  await client.request('configurationDone');
  await client.event('stopped');
  return client;
}

/** What a session says at some places of the trace. */
async function seen(client: DapClient): Promise<unknown[]> {
  const found: unknown[] = [];
  const { threads } = await client.request<P.ThreadsResponse['body']>('threads');
  for (const event of [0, 1500, 9000, 17_000]) {
    const from = client.events.length;
    await client.request('shadowMmu/goTo', { to: String(event) });
    const { threadId } = await client.event<P.StoppedEvent>('stopped', from);
    const { stackFrames } = await client.request<P.StackTraceResponse['body']>('stackTrace', { threadId });
    const { scopes } = await client.request<P.ScopesResponse['body']>('scopes', { frameId: stackFrames[0]!.id });
    for (const { variablesReference } of scopes) {
      const { variables } = await client.request<P.VariablesResponse['body']>('variables', { variablesReference });
      found.push(variables.map(({ name, value }) => [name, value]));
    }
    found.push(stackFrames.map(({ name, line }) => [name, line]));
  }
  return [threads, ...found];
}

describe('the replay in a thread of its own', () => {
  before(function () {
    assert.ok(existsSync(PROGRAM), 'npm run build makes it');
  });

  it('says what a replay in this thread says', async () => {
    const [client, driver] = [await launched(TRACE), await Driver.loaded(TRACE)];
    const { events } = (await client.event('shadowMmu/loaded')) as LoadedEvent;
    assert.ok(events > 17_000);
    assert.deepEqual(await seen(client), await seen(driver.client));
    driver.close();
    client.close();
  });

  it('ends a load without an event that makes VS Code drop the stop it is about to show, or a document', async () => {
    const client = await launched(TRACE);
    await client.event('shadowMmu/loaded');
    const { threads } = await client.request<P.ThreadsResponse['body']>('threads');
    assert.ok(threads.length > 0);
    assert.ok(
      client.events.every(({ event, body }) => event !== 'thread' && !(body as P.InvalidatedEvent['body'])?.areas?.includes('threads')),
    );
    client.close();
  });

  it('gives way to another launch, and to a restart that need not read', async () => {
    const client = await launched(TRACE);
    let from = client.events.length;
    await client.request('launch', { trace: recording('k6.1-nonpae-small-all.dat') });
    assert.equal((await client.event<P.StoppedEvent>('stopped', from)).reason, 'entry');
    assert.equal(((await client.event('shadowMmu/loaded', from)) as LoadedEvent).events, 2152);
    from = client.events.length;
    await client.request('restart', {});
    assert.equal((await client.event<P.StoppedEvent>('stopped', from)).reason, 'entry');
    assert.ok(!client.events.slice(from).some(({ event }) => event === 'shadowMmu/loaded'));
    client.close();
  });
});

describe('a limit of memory', () => {
  it('ends loading where it is passed, says so once, and leaves what is loaded', async () => {
    const driver = await Driver.loaded(TRACE, { launch: { memoryLimit: 1 } });
    const output = await driver.output();
    assert.match(
      output,
      /the memory limit of 1 MB is reached: the first [\d,]+ events are loaded\. Raise the setting shadowMmu\.memoryLimit/,
    );
    assert.equal(output.split('memory limit').length, 2);
    // Event 0 is another VM's.
    assert.equal(await driver.index(), 1);
    const stop = await driver.go('continue');
    assert.equal(stop.description, 'end of what is loaded');
    assert.match(stop.text!, /memory limit of 1 MB/);
    const last = await driver.index();
    assert.ok(last > 0 && last < 17_000);
    await driver.go('reverseContinue');
    assert.equal(await driver.index(), 1);
    driver.close();
  });

  it('is a number of megabytes', async () => {
    const client = DapClient.inProcess();
    await client.request('initialize', { adapterID: 'test' });
    await assert.rejects(client.request('launch', { trace: TRACE, memoryLimit: -5 }), /"memoryLimit": -5 is no size/);
    client.close();
  });
});
