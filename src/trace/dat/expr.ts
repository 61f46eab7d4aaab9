import type { Piece } from './printf.js';

/**
 * The `print fmt` of a format description: a C format string and C expressions over the record. It is parsed into plain data once and
 * evaluated per event (evaluate.ts). What a print fmt uses and this does not know makes the whole of it not understood; there is no
 * half-right rendering.
 */
export interface PrintFmt {
  readonly pieces: readonly Piece[];
  readonly args: readonly Expr[];
}

export type Expr =
  | { readonly t: 'num'; readonly value: bigint }
  | { readonly t: 'str'; readonly value: string }
  | { readonly t: 'field'; readonly name: string }
  | { readonly t: 'enum'; readonly name: string }
  | { readonly t: 'unary'; readonly op: string; readonly a: Expr }
  | { readonly t: 'binary'; readonly op: string; readonly a: Expr; readonly b: Expr }
  | { readonly t: 'cond'; readonly c: Expr; readonly a: Expr; readonly b: Expr }
  | { readonly t: 'cast'; readonly bits: number; readonly signed: boolean; readonly a: Expr }
  | { readonly t: 'call'; readonly name: string; readonly args: readonly Expr[] }
  /** __print_symbolic and __print_flags */
  | {
      readonly t: 'names';
      readonly flags: boolean;
      readonly value: Expr;
      readonly delimiter: string;
      readonly pairs: readonly (readonly [Expr, string])[];
    }
  /** an element of a field that is an array */
  | { readonly t: 'element'; readonly field: string; readonly i: Expr }
  /** a table of strings in the print fmt itself */
  | { readonly t: 'table'; readonly items: readonly string[]; readonly i: Expr }
  /** a bit field of a `union kvm_mmu_page_role` that was made from this word */
  | { readonly t: 'role'; readonly member: string; readonly word: Expr }
  /** `({ … trace_seq_printf(p, …); … })`: text */
  | { readonly t: 'text'; readonly fmt: PrintFmt };

/** Calls back for an expression and all expressions in it. */
export function visit(e: Expr, see: (e: Expr) => void): void {
  see(e);
  for (const part of partsOf(e)) visit(part, see);
}

/** Calls back for all expressions that a print fmt prints. */
export function visitAll(print: PrintFmt, see: (e: Expr) => void): void {
  for (const arg of print.args) visit(arg, see);
}

function partsOf(e: Expr): readonly Expr[] {
  switch (e.t) {
    case 'num':
    case 'str':
    case 'field':
    case 'enum':
      return [];
    case 'unary':
    case 'cast':
      return [e.a];
    case 'binary':
      return [e.a, e.b];
    case 'cond':
      return [e.c, e.a, e.b];
    case 'call':
      return e.args;
    case 'names':
      return [e.value];
    case 'element':
    case 'table':
      return [e.i];
    case 'role':
      return [e.word];
    case 'text':
      return e.fmt.args;
  }
}
