import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { PageId, SpteIndex } from '../../engine/ids.js';
import type { ChangeTarget } from '../../replay/changes.js';
import { memoryReference } from './memory.js';

/** Something with children in Variables. They are made when somebody looks, and again each time. */
export interface Branch {
  rows(): Row[];
  /** shadow page that the SPTE layout shows when this is selected, and the entry in it */
  readonly page?: PageId;
  readonly index?: SpteIndex;
  /** so many children that a client had better ask for them in parts */
  readonly count?: number;
}

/** One line in Variables. Names say where a thing is, never how it is: a client compares values by name from stop to stop. */
export interface Row {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly branch?: Branch;
  /** its 512 SPTEs can be read as memory */
  readonly memory?: PageId;
  /** what a data breakpoint on this row waits for */
  readonly target?: ChangeTarget;
  readonly evaluateName?: string;
  /** for menu entries that the editor part contributes */
  readonly menu?: 'shadowPage' | 'spte' | 'event';
}

/** How a row goes over the wire; `handle` gives numbers to branches. */
export function toVariable(row: Row, handle: (branch: Branch) => number): P.Variable {
  return {
    name: row.name,
    value: row.value,
    ...(row.evaluateName && { evaluateName: row.evaluateName }),
    ...(row.menu && { __vscodeVariableMenuContext: row.menu }),
    ...toResult(row, handle),
  };
}

/** What a variable and the result of an expression have in common. */
export function toResult(row: Row, handle: (branch: Branch) => number): Omit<P.Variable, 'name' | 'value'> {
  const { branch } = row;
  return {
    variablesReference: branch ? handle(branch) : 0,
    ...(branch?.count !== undefined && { indexedVariables: branch.count }),
    ...(row.type && { type: row.type }),
    ...(row.memory && { memoryReference: memoryReference(row.memory) }),
    presentationHint: { attributes: ['readOnly'] },
  };
}

export function branch(rows: () => Row[], about: Omit<Branch, 'rows'> = {}): Branch {
  return { rows, ...about };
}
