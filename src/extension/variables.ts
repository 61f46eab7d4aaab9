import type { LayoutViews } from './layoutViews.js';

/** What VS Code hands to commands of the Variables view's context menu. */
export interface VariableContext {
  variable?: { variablesReference: number };
}

/** Pages and SPTEs always have rows below them, whose reference the adapter knows the place of. */
export async function showVariable({ variable }: VariableContext, views: LayoutViews): Promise<void> {
  if (variable && variable.variablesReference > 0) await views.reveal({ variablesReference: variable.variablesReference });
}
