import { randomBytes } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { escapeHtml, renderMarkdown } from './markdown.ts'
import { PAGE_THEME } from './page-theme.ts'

/** A link of an error page. */
export interface NextStep {
  readonly label: string
  readonly href: string
}

/** What a person in a browser is told. */
export interface ErrorPage {
  readonly status: number
  readonly title: string
  readonly message: string
  /** The message is Markdown of the operator. */
  readonly isMarkdown?: boolean
  /** What the reader can do about it, beside trying again. */
  readonly next?: NextStep | undefined
  /** Origin whose pages may show it in a frame; none by default. */
  readonly framedBy?: string
}

/** Answers with a plain page. It works without scripts and without anything else of ours (ID-69, AC-305). */
export function sendErrorPage(reply: FastifyReply, page: ErrorPage): FastifyReply {
  const nonce = randomBytes(16).toString('base64')
  const ancestors = page.framedBy ?? "'none'"
  return reply
    .code(page.status)
    .header(
      'Content-Security-Policy',
      `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors ${ancestors}`,
    )
    .header('Cache-Control', 'no-store')
    .header('Referrer-Policy', 'no-referrer')
    .type('text/html; charset=utf-8')
    .send(render(page, nonce))
}

function render({ title, message, isMarkdown, next }: ErrorPage, nonce: string): string {
  const link =
    next === undefined
      ? ''
      : `<a class="button" href="${escapeHtml(next.href)}">${escapeHtml(next.label)}</a>`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · Slipway</title>
<style nonce="${nonce}">${STYLE}</style>
<main>
<h1>${escapeHtml(title)}</h1>
${isMarkdown === true ? renderMarkdown(message) : `<p>${escapeHtml(message)}</p>`}
<p class="actions"><a class="button primary" href="">Try again</a>${link}</p>
</main>
</html>
`
}

/** Fonts are those of the system: on the host of a workspace app nothing of ours can be loaded. */
const STYLE = `${PAGE_THEME}
*, ::before, ::after { box-sizing: border-box; border: 0 solid var(--line); }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-content: center; padding: 24px 16px; background: var(--bg); color: var(--ink); font: 14px/1.5 "Inter Variable", Inter, ui-sans-serif, system-ui, sans-serif; overflow-wrap: anywhere; }
main { width: 100%; max-width: 440px; background: var(--surface); border-width: 1px; border-radius: 12px; padding: 24px; }
h1 { font-size: 20px; line-height: 1.35; font-weight: 600; margin: 0 0 8px; text-wrap: balance; }
p, ul, ol { margin: 0 0 16px; color: var(--ink-2); }
a { color: var(--accent); text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 24px 0 0; }
.button { display: inline-flex; align-items: center; height: 32px; padding: 0 12px; border: 1px solid var(--line-strong); border-radius: 6px; background: var(--surface); color: var(--ink); font-size: 13px; font-weight: 500; text-decoration: none; }
.button:hover { background: var(--hover); }
.button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
@media (pointer: coarse) { .button { height: 40px; } }
`
