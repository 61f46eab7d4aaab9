/**
 * One tab stop per part (ui.md §4): the arrow keys move among the focusable things of a part, Tab leaves it.
 * The part may be repainted at any time; `refresh` puts the tab stop back where it was.
 */
export class Roving {
  private current = 0;

  constructor(
    private readonly root: Element,
    private readonly selector = 'a,button,[role=button]',
  ) {
    root.addEventListener('keydown', (event) => this.onKey(event as KeyboardEvent));
    root.addEventListener('focusin', (event) => {
      const at = this.items().indexOf(event.target as HTMLElement);
      if (at >= 0) this.moveStop(at);
    });
  }

  refresh(): void {
    const items = this.items();
    this.moveStop(Math.min(this.current, items.length - 1));
  }

  /** The index of the thing that holds the focus, to be handed to {@link focus} after a repaint. */
  get focused(): number {
    return this.items().indexOf(document.activeElement as HTMLElement);
  }

  focus(index: number): void {
    if (index >= 0) this.items()[index]?.focus();
  }

  private items(): (HTMLElement | SVGElement)[] {
    return [...this.root.querySelectorAll<HTMLElement | SVGElement>(this.selector)];
  }

  private moveStop(index: number): void {
    this.current = Math.max(0, index);
    this.items().forEach((item, i) => item.setAttribute('tabindex', i === this.current ? '0' : '-1'));
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const items = this.items();
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (at < 0) return;
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    items[Math.max(0, Math.min(items.length - 1, to))]?.focus();
  }
}
