import { randomBytes } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { escapeHtml, renderMarkdown } from './markdown.ts'
import { PAGE_STYLE, PAGE_THEME, pageHeader, pageTheme } from './page-theme.ts'
import { TEXT_FONT } from './text-font.ts'

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
  /** Origin whose pages may show it in a frame, where it stands for an app, whose host has nothing of ours; none by default. */
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
      `default-src 'none'; style-src 'nonce-${nonce}'; font-src ${page.framedBy === undefined ? "'self'" : "'none'"}; base-uri 'none'; form-action 'none'; frame-ancestors ${ancestors}`,
    )
    .header('Cache-Control', 'no-store')
    .header('Referrer-Policy', 'no-referrer')
    .type('text/html; charset=utf-8')
    .send(render(page, nonce, reply))
}

function render(
  { title, message, isMarkdown, next, framedBy }: ErrorPage,
  nonce: string,
  reply: FastifyReply,
): string {
  // The frame that the dashboard shows apps in neither shows the dashboard nor may lead the window elsewhere.
  const target = reply.request.headers['sec-fetch-dest'] === 'iframe' ? ' target="_blank" rel="noopener"' : ''
  const link =
    next === undefined
      ? ''
      : `<a class="button" href="${escapeHtml(next.href)}"${target}>${escapeHtml(next.label)}</a>`
  return `<!doctype html>
<html lang="en"${pageTheme(reply)}>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} - ${escapeHtml(reply.server.applicationName())}</title>
<style nonce="${nonce}">${framedBy === undefined ? TEXT_FONT : ''}${STYLE}</style>
${pageHeader(reply)}
<main>
<h1>${escapeHtml(title)}</h1>
<div class="lead">${isMarkdown === true ? renderMarkdown(message) : message === '' ? '' : `<p>${escapeHtml(message)}</p>`}</div>
<p class="actions"><a class="button primary" href="">Try again</a>${link}</p>
</main>
</html>
`
}

const STYLE = `${PAGE_THEME}${PAGE_STYLE}
.lead p, .lead ul, .lead ol { margin: 0 0 12px; }
.lead :last-child { margin-bottom: 0; }
.actions { margin-top: 28px; }
`
