import * as vscode from 'vscode';
import type { SearchQuery } from '../../protocol.js';

type As = SearchQuery['as'];

const KINDS: Record<As, { what: string; placeHolder: string; icon: string }> = {
  text: { what: 'text', placeHolder: 'kvm_mmu_set_spte: gfn 102', icon: 'whole-word' },
  regex: { what: 'regular expression', placeHolder: 'spte [0-9a-f]+ \\(rw', icon: 'regex' },
  condition: { what: 'condition', placeHolder: 'gfn == 0x102 && level == 1', icon: 'filter' },
};

interface Button extends vscode.QuickInputButton {
  press(query: SearchQuery): SearchQuery;
}

/**
 * Asks what to find: a text, an expression or a condition. `search` is called with it; where it fails, its message stands below the box
 * and the text can be mended.
 */
export function askQuery(before: SearchQuery, search: (query: SearchQuery) => Promise<void>): void {
  const box = vscode.window.createInputBox();
  let query = before;
  const describe = (): void => {
    const { what, placeHolder } = KINDS[query.as];
    const matchCase = query.as === 'condition' ? '' : query.matchCase ? ', upper and lower case differ' : ', upper and lower case alike';
    box.title = `Find in Trace: ${what}${matchCase}`;
    box.placeholder = placeHolder;
    box.buttons = buttons(query);
    box.validationMessage = undefined;
  };
  box.value = before.text;
  box.onDidChangeValue(() => (box.validationMessage = undefined));
  box.onDidTriggerButton((button) => {
    query = (button as Button).press(query);
    describe();
  });
  box.onDidAccept(async () => {
    box.busy = true;
    try {
      await search({ ...query, text: box.value });
      box.hide();
    } catch (error) {
      box.validationMessage = error instanceof Error ? error.message : String(error);
    } finally {
      box.busy = false;
    }
  });
  box.onDidHide(() => box.dispose());
  describe();
  box.show();
}

/** To what the search is not now. */
function buttons({ as, matchCase }: SearchQuery): Button[] {
  const kinds = (Object.keys(KINDS) as As[]).filter((kind) => kind !== as);
  return [
    ...kinds.map((kind) => ({
      iconPath: new vscode.ThemeIcon(KINDS[kind].icon),
      tooltip: `Find a ${KINDS[kind].what}`,
      press: (query: SearchQuery): SearchQuery => ({ ...query, as: kind }),
    })),
    ...(as === 'condition'
      ? []
      : [
          {
            iconPath: new vscode.ThemeIcon('case-sensitive'),
            tooltip: matchCase ? 'Take upper and lower case alike' : 'Tell upper from lower case',
            press: (query: SearchQuery): SearchQuery => ({ ...query, matchCase: !matchCase }),
          },
        ]),
  ];
}
