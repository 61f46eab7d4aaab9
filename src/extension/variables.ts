import type { LayoutViews } from './layoutViews.js';

/** What VS Code hands to commands of the Variables view's context menu. */
export interface VariableContext {
  container?: { variablesReference?: number };
  variable?: { name: string; variablesReference: number };
}

/** `[0ed]` */
const INDEX = /^\[([0-9a-f]{3})\]$/;

/** A page is asked for by its own reference; an SPTE without children by that of the block it stands in, and its name. */
export async function showVariable(context: VariableContext, views: LayoutViews): Promise<void> {
  const { variable, container } = context;
  if (!variable) return;
  if (variable.variablesReference > 0 && (await views.reveal({ variablesReference: variable.variablesReference }))) return;
  const [, digits] = INDEX.exec(variable.name) ?? [];
  const reference = container?.variablesReference;
  if (reference) await views.reveal({ variablesReference: reference }, digits === undefined ? undefined : Number.parseInt(digits, 16));
}
