/** Names that package.json and the code share. */
export const DEBUG_TYPE = 'shadow-mmu';
export const LANGUAGE = 'kvmmmu-trace';
/** the language of `.mmu` files */
export const SCENARIO = 'mmu-scenario';
export const TRACE_EDITOR = 'shadowMmu.trace';
export const LAYOUT_VIEW = 'shadowMmu.spteLayout';
export const LAYOUT_PANEL = 'shadowMmu.spteLayoutPanel';
export const COMPARE_PANEL = 'shadowMmu.compare';
export const PAGES_VIEW = 'shadowMmu.pages';

export const LAYOUT_TITLE = 'SPTE layout';
