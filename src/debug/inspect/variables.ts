import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { StaleError } from '../wire/errors.js';
import { Handles } from './handles.js';
import { toVariable, type Branch, type Row } from './rows.js';

/** The numbers under which a client knows what it can expand, and the answers when it does. */
export class Variables {
  private readonly branches = new Handles<Branch>();

  readonly handle = (branch: Branch): number => this.branches.add(branch);

  /** Numbers are good for one stop. */
  clear(): void {
    this.branches.clear();
  }

  branch(reference: number): Branch {
    const branch = this.branches.get(reference);
    if (!branch) throw new StaleError('This variable belongs to an earlier stop.');
    return branch;
  }

  list({ variablesReference, filter, start = 0, count = 0 }: P.VariablesArguments): P.Variable[] {
    const branch = this.branch(variablesReference);
    const indexed = branch.count !== undefined;
    if (filter && (filter === 'indexed') !== indexed) return [];
    const rows = branch.rows();
    return (count > 0 ? rows.slice(start, start + count) : rows).map((row) => toVariable(row, this.handle));
  }

  /** The row of a branch that a client names. */
  child(reference: number, name: string): Row | undefined {
    return this.branch(reference)
      .rows()
      .find((row) => row.name === name);
  }
}
