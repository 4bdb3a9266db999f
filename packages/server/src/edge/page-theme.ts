import type { FastifyReply } from 'fastify'

import { parseCookies, THEME_COOKIE } from './cookies.ts'
import { escapeHtml } from './markdown.ts'

/** Colours of pages that the server renders: tokens of the dashboard, which a test compares with them. */
export const PAGE_THEME = `
:root {
  color-scheme: light dark;
  --bg: light-dark(#fbfbfa, #0e0f11);
  --surface: light-dark(#ffffff, #15171a);
  --line: light-dark(#e7e6e3, #25282d);
  --line-strong: light-dark(#d3d1cc, #363a41);
  --ink: light-dark(#1b1c1e, #ecedee);
  --ink-2: light-dark(#55585e, #a6a9af);
  --ink-3: light-dark(#6f7277, #858990);
  --accent: light-dark(#1f6f6b, #5cc4bc);
  --accent-ink: light-dark(#ffffff, #08201e);
  --accent-wash: light-dark(#e6f1f0, #12302e);
  --warn: light-dark(#985e0c, #e2ae5b);
  --bad: light-dark(#c23b3b, #f07f7f);
  --hover: light-dark(#f3f2f0, #1c1f23);
  --warn-wash: light-dark(#faf3e8, #2a2113);
  --bad-wash: light-dark(#fcf1f1, #301919);
}
@media (prefers-contrast: more) {
  :root {
    --line: light-dark(#8b8983, #6c727c);
    --line-strong: light-dark(#6f6d68, #858990);
    --ink: light-dark(#000000, #ffffff);
    --ink-2: light-dark(#2f3135, #d5d7da);
    --ink-3: light-dark(#3c3f44, #c2c5ca);
    --accent: light-dark(#0e4f4c, #8fe0d9);
  }
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }`

/** Type and measures of the sign-in page of the dashboard, which these pages stand beside (UI-607). */
export const PAGE_STYLE = `
*, ::before, ::after { box-sizing: border-box; border: 0 solid var(--line); }
html { background: var(--bg); color: var(--ink); font-family: "Inter Variable", Inter, ui-sans-serif, system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; width: 100%; max-width: 392px; padding: max(4vh, 40px) 16px 48px; font-size: 14px; line-height: 1.5; font-feature-settings: "cv11", "ss03"; -webkit-font-smoothing: antialiased; overflow-wrap: anywhere; }
@media (min-width: 640px) { body { padding-top: 14vh; } }
h1, p { margin: 0; }
h1 { font-size: 26px; line-height: 1.35; font-weight: 600; letter-spacing: -0.018em; text-wrap: balance; }
header { display: flex; align-items: center; gap: 10px; margin-bottom: 32px; font-weight: 600; font-size: 16px; line-height: 1.45; letter-spacing: -0.01em; }
svg { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.mark { width: 28px; height: 28px; color: var(--accent); }
.lead { margin-top: 6px; color: var(--ink-2); }
a { color: var(--accent); text-decoration-color: color-mix(in srgb, var(--accent) 35%, transparent); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentcolor; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; }
.button { appearance: none; font: inherit; font-size: 13px; line-height: 1; font-weight: 500; height: 32px; padding: 0 12px; border-radius: 6px; display: inline-flex; align-items: center; justify-content: center; text-decoration: none; cursor: pointer; white-space: nowrap; transition: background-color 120ms cubic-bezier(0.2, 0, 0, 1); border: 1px solid var(--line-strong); background: var(--surface); color: var(--ink); }
.button:hover { background: var(--hover); }
.button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.button.primary:hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
@media (pointer: coarse) { .button { height: 40px; } }
@media (prefers-reduced-motion: reduce) { .button { transition: none; } }
@media (forced-colors: active) { .button { border: 1px solid; } }`

/** Mark and name, which these pages begin with. */
export function pageHeader({ server }: Pick<FastifyReply, 'server'>): string {
  return `<header>${MARK}<span>${escapeHtml(server.applicationName())}</span></header>`
}

const MARK =
  '<svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><path d="M2.2 4.1 12.8 1.6C12.9 5.2 10.6 7.9 7.3 8.7 4.9 9.2 2.7 7.4 2.2 4.1Z"/><path d="M1.6 14.2 14.4 11.1"/></svg>'

/** The root's attribute for the theme that the reader has chosen in the dashboard; empty without a choice (UI-1702). */
export function pageTheme({ request }: Pick<FastifyReply, 'request'>): string {
  const chosen = parseCookies(request.headers.cookie)[THEME_COOKIE]
  return chosen === 'light' || chosen === 'dark' ? ` data-theme="${chosen}"` : ''
}
