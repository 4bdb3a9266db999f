import { randomBytes } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { escapeHtml, renderMarkdown } from './markdown.ts'

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
}

/** Answers with a plain page. It works without scripts and without anything else of ours (ID-69, AC-305). */
export function sendErrorPage(reply: FastifyReply, page: ErrorPage): FastifyReply {
  const nonce = randomBytes(16).toString('base64')
  return reply
    .code(page.status)
    .header(
      'Content-Security-Policy',
      `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    .header('Cache-Control', 'no-store')
    .header('Referrer-Policy', 'no-referrer')
    .type('text/html; charset=utf-8')
    .send(render(page, nonce))
}

function render({ title, message, isMarkdown, next }: ErrorPage, nonce: string): string {
  const link = next === undefined ? '' : `<a href="${escapeHtml(next.href)}">${escapeHtml(next.label)}</a> · `
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style nonce="${nonce}">
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-content: center; padding: 24px; }
main { max-width: 420px; }
h1 { font-size: 20px; margin: 0 0 8px; }
p { margin: 0 0 16px; }
</style>
<main>
<h1>${escapeHtml(title)}</h1>
${isMarkdown === true ? renderMarkdown(message) : `<p>${escapeHtml(message)}</p>`}
<p>${link}<a href="">Try again</a></p>
</main>
</html>
`
}
