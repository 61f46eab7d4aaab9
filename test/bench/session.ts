/** What somebody in a debug session waits for: requests to the built adapter, from the moment they are sent to the stop or the answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { LoadedEvent, PageModel } from '../../src/protocol.js';
import { Client } from './client.js';
import { peak, resident } from './memory.js';
import { places, repeat, time } from './statistics.js';

/** A trace, and which part of it the session is about. */
export interface Subject {
  readonly trace: string;
  /** of several VMs */
  readonly vm?: number;
  /** events among which random places are chosen, from the first to before the last */
  readonly from: number;
  readonly to: number;
  /** names of all its events */
  readonly names: readonly string[];
}

/** How much is measured. */
export interface Extent {
  readonly runs: number;
  /** random places for each kind of movement */
  readonly places: number;
  /** milliseconds, for each kind of movement */
  readonly budget: number;
}

/** Milliseconds of each single movement, unless said otherwise. */
export interface SessionFigures {
  /** from the start of the adapter's process */
  readonly firstStop: readonly number[];
  /** from then on, until all is replayed */
  readonly loaded: number;
  /** the least that any request takes, at the places where steps begin */
  readonly threads: readonly number[];
  readonly step: readonly number[];
  readonly stepBack: readonly number[];
  readonly seek: readonly number[];
  readonly toZap: readonly number[];
  readonly setPage: readonly number[];
  readonly toPage: readonly number[];
  /** over the whole trace, forwards and backwards */
  readonly scan: readonly number[];
  readonly memory: Memory;
}

/** Bytes. */
export interface Memory {
  /** an adapter without a trace */
  readonly empty: number;
  readonly loaded: number;
  /** after all movements measured here */
  readonly used: number;
  readonly peak: number | undefined;
}

/** What a process needs to come to rest, in milliseconds. */
const REST = 2000;

export async function session(subject: Subject, extent: Extent): Promise<SessionFigures> {
  const firstStop = await firstStops(subject, extent.runs);
  const empty = await emptyAdapter();
  const client = new Client();
  const loading = performance.now();
  const complete = client.next<LoadedEvent>('shadowMmu/loaded');
  await client.launch(launchArguments(subject));
  await complete;
  const loaded = performance.now() - loading;
  await sleep(REST);
  const loadedBytes = resident(client.pid);
  await client.request('setExceptionBreakpoints', { filters: [] });
  const walk = new Walk(client, subject, extent);
  const figures = {
    ...(await walk.steps()),
    seek: await walk.seeks(),
    toZap: await walk.zaps(),
    ...(await walk.pages()),
    scan: await walk.scans(),
  };
  const used = resident(client.pid);
  const most = peak(client.pid);
  await client.close();
  return { firstStop, loaded, ...figures, memory: { empty, loaded: loadedBytes, used, peak: most } };
}

const launchArguments = ({ trace, vm }: Subject): { trace: string; vm?: number } => ({ trace, ...(vm !== undefined && { vm }) });

async function firstStops(subject: Subject, runs: number): Promise<number[]> {
  const stops = [];
  for (let run = 0; run < runs; run++) {
    let client!: Client;
    stops.push(await time(() => (client = new Client()).launch(launchArguments(subject))));
    await client.close();
  }
  return stops;
}

async function emptyAdapter(): Promise<number> {
  const client = new Client();
  await client.initialize();
  await sleep(REST);
  const bytes = resident(client.pid);
  await client.close();
  return bytes;
}

/** Movements from one random place to the next. */
class Walk {
  private readonly random: Generator<number, never>;

  constructor(
    private readonly client: Client,
    private readonly subject: Subject,
    private readonly extent: Extent,
  ) {
    this.random = places(subject.to - subject.from);
  }

  async steps(): Promise<{ threads: number[]; step: number[]; stepBack: number[] }> {
    const threads: number[] = [];
    const stepBack: number[] = [];
    const step = await this.each(async () => {
      const { threadId } = await this.jump();
      threads.push(await time(() => this.client.request('threads')));
      const forward = await time(() => this.client.stopAfter('next', { threadId }));
      stepBack.push(await time(() => this.client.stopAfter('stepBack', { threadId })));
      return forward;
    });
    return { threads, step, stepBack };
  }

  /** The jump, and what the editor asks for then: stack, scopes, the rows of those that open by themselves, the page of the layout. */
  seeks(): Promise<number[]> {
    return this.each(() => time(async () => this.show((await this.jump()).threadId)));
  }

  async zaps(): Promise<number[]> {
    await this.client.request('setExceptionBreakpoints', { filters: ['zap'] });
    const measured = await this.each(() => this.timeBackFrom(this.somewhere()));
    await this.client.request('setExceptionBreakpoints', { filters: [] });
    return measured;
  }

  /** To the last change of the page that a random earlier event was about. */
  async pages(): Promise<{ setPage: number[]; toPage: number[] }> {
    const setPage: number[] = [];
    const toPage = await this.each(async () => {
      const { page, dataId, after } = await this.somePage();
      const breakpoints = [{ dataId, accessType: 'write' }];
      let answer!: P.SetDataBreakpointsResponse['body'];
      setPage.push(await time(async () => (answer = await this.client.request('setDataBreakpoints', { breakpoints }))));
      if (!answer.breakpoints[0]?.verified) throw new Error(`no data breakpoint on page ${page}: ${answer.breakpoints[0]?.message}`);
      const measured = await this.timeBackFrom(after);
      await this.client.request('setDataBreakpoints', { breakpoints: [] });
      return measured;
    });
    return { setPage, toPage };
  }

  /** A condition over an event's fields and its page that holds nowhere, as a breakpoint on every event. Milliseconds of each way. */
  async scans(): Promise<number[]> {
    const measured: number[] = [];
    for (let run = 0; run < this.extent.runs; run++) {
      // A number of its own each time: nothing remembered from the run before can answer.
      const condition = `level == ${20 + run} || sp.gfn == 0xfff_ffff_f${run.toString(16).padStart(3, '0')}`.replaceAll('_', '');
      await this.client.stopAfter('goto', { targetId: 1 });
      const breakpoints = this.subject.names.map((name) => ({ name, condition }));
      const { breakpoints: set } = await this.client.request<P.SetFunctionBreakpointsResponse['body']>('setFunctionBreakpoints', {
        breakpoints,
      });
      const refused = set.find(({ verified }) => !verified);
      if (refused) throw new Error(`'${condition}' is refused: ${refused.message}`);
      measured.push(await time(() => this.client.stopAfter('continue', { threadId: 1 })));
      measured.push(await time(() => this.client.stopAfter('reverseContinue', { threadId: 1 })));
      await this.client.request('setFunctionBreakpoints', { breakpoints: [] });
    }
    return measured;
  }

  private each(action: () => Promise<number>): Promise<number[]> {
    return repeat(this.extent.places, this.extent.budget, action);
  }

  private somewhere(): number {
    return this.subject.from + this.random.next().value;
  }

  private jump(event = this.somewhere()): Promise<P.StoppedEvent['body']> {
    return this.client.stopAfter('goto', { threadId: 1, targetId: event + 1 });
  }

  private async timeBackFrom(event: number): Promise<number> {
    const { threadId } = await this.jump(event);
    return time(() => this.client.stopAfter('reverseContinue', { threadId }));
  }

  private async show(threadId: number | undefined): Promise<void> {
    const { stackFrames } = await this.client.request<P.StackTraceResponse['body']>('stackTrace', { threadId });
    const { scopes } = await this.client.request<P.ScopesResponse['body']>('scopes', { frameId: stackFrames[0]?.id });
    const open = scopes.filter(({ expensive }) => !expensive);
    await Promise.all([
      ...open.map(({ variablesReference }) => this.client.request('variables', { variablesReference })),
      this.client.request('shadowMmu/page', { threadId }),
    ]);
  }

  /** The page that some event is about, a breakpoint on it, and an event behind. */
  private async somePage(): Promise<{ page: number; dataId: string; after: number }> {
    for (let tries = 0; tries < 1000; tries++) {
      const event = this.somewhere();
      const { threadId } = await this.jump(event);
      const { page } = await this.client.request<{ page: PageModel | null }>('shadowMmu/page', { threadId });
      if (!page) continue;
      const { stackFrames } = await this.client.request<P.StackTraceResponse['body']>('stackTrace', { threadId });
      const info = await this.client.request<P.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', {
        name: `#${page.page.id}`,
        frameId: stackFrames[0]?.id,
      });
      if (info.dataId === null) throw new Error(info.description);
      const after =
        event + Math.floor(((this.somewhere() - this.subject.from) / (this.subject.to - this.subject.from)) * (this.subject.to - event));
      return { page: page.page.id, dataId: info.dataId, after };
    }
    throw new Error(`${this.subject.trace}: no event is about a shadow page`);
  }
}
