import { randomBytes } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { PAGE_STYLE, PAGE_THEME, pageHeader, pageTheme, TEXT_FONT } from '../edge/index.ts'
import { Html, html } from './html.ts'

/** A page of the authorization server. */
export interface Page {
  readonly status: number
  readonly title: string
  readonly body: Html
  /** Further sources of images beside our own, such as the origin of an app's icon. */
  readonly images?: readonly string[]
}

/**
 * Answers with a page that looks like the dashboard and works without scripts. It can be shown in no frame (OA-47) and
 * loads nothing from elsewhere. `form-action` is left out, because browsers hold the redirect that follows a form to it
 * (OA-B14).
 */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  const nonce = randomBytes(16).toString('base64')
  const images = ["'self'", ...(page.images ?? [])].join(' ')
  return (
    reply
      .code(page.status)
      .header(
        'Content-Security-Policy',
        `default-src 'none'; style-src 'nonce-${nonce}'; img-src ${images}; font-src 'self'; base-uri 'none'; frame-ancestors 'none'`,
      )
      .header('X-Frame-Options', 'DENY')
      .header('Cache-Control', 'no-store')
      .header('Pragma', 'no-cache')
      // Not no-referrer, under which a form of this page names no origin (ID-128).
      .header('Referrer-Policy', 'same-origin')
      .type('text/html; charset=utf-8')
      .send(layout(page, nonce, reply).text)
  )
}

/** What one notice says, with a sign that does not depend on its colour. */
export function notice(tone: 'warn' | 'bad', text: Html): Html {
  return html`<div class="notice ${tone}">${SIGNS[tone]}<p>${text}</p></div>`
}

const SIGNS = {
  warn: new Html(
    '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1.8 14.9 14H1.1Z"/><path d="M8 6.2v3.6M8 11.9v.2"/></svg>',
  ),
  bad: new Html(
    '<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.6"/><path d="M8 4.9v3.6M8 11v.2"/></svg>',
  ),
}

function layout({ title, body }: Page, nonce: string, reply: FastifyReply): Html {
  return html`<!doctype html>
<html lang="en"${new Html(pageTheme(reply))}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="/favicon.svg">
<title>${title} - ${reply.server.applicationName()}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
${new Html(pageHeader(reply))}
<main>
${body}
</main>
</body>
</html>
`
}

const STYLE = new Html(`${TEXT_FONT}${PAGE_THEME}${PAGE_STYLE}
/* What is decided stays in sight on low windows. */
@media (max-height: 899px) { body { padding-top: 40px; } }
h2, ul, dl, dd { margin: 0; padding: 0; }
h2 { font-size: 13px; line-height: 1.45; font-weight: 500; }
main { display: flex; flex-direction: column; gap: 20px; }
.app { display: flex; gap: 12px; align-items: flex-start; }
.app > :last-child { min-width: 0; }
.icon { width: 40px; height: 40px; border-radius: 8px; border-width: 1px; flex: none; display: grid; place-content: center; overflow: hidden; background: var(--surface); color: var(--ink-2); font-weight: 600; font-size: 16px; }
.icon img { width: 24px; height: 24px; object-fit: contain; }
ul.scopes { list-style: none; border-width: 1px; border-radius: 8px; margin-top: 8px; max-height: max(296px, 100vh - 500px); overflow: auto; background: var(--surface); }
@media (min-width: 640px) and (min-height: 900px) { ul.scopes { max-height: max(296px, 86vh - 454px); } }
ul.scopes li { display: flex; gap: 8px; padding: 8px 12px; font-size: 13px; line-height: 1.45; }
ul.scopes li + li { border-top-width: 1px; }
ul.scopes svg { width: 16px; height: 16px; margin-top: 1px; color: var(--accent); }
details { margin-top: 8px; font-size: 13px; }
summary { color: var(--ink-2); cursor: pointer; border-radius: 4px; width: fit-content; }
ul.scopes code { display: block; color: var(--ink-3); font-size: 12px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; font-size: 13px; line-height: 1.45; }
dt { color: var(--ink-2); }
dd { min-width: 0; }
code { font-family: "JetBrains Mono Variable", "JetBrains Mono", ui-monospace, monospace; font-size: 0.93em; }
.notice { display: flex; gap: 12px; border: 1px solid color-mix(in srgb, var(--tone) 28%, var(--line)); border-radius: 8px; padding: 10px 12px; font-size: 13px; line-height: 1.45; }
.notice svg { width: 16px; height: 16px; margin-top: 2px; color: var(--tone); }
.notice strong { font-weight: 500; }
.notice.warn { --tone: var(--warn); background: var(--warn-wash); }
.notice.bad { --tone: var(--bad); background: var(--bad-wash); }
form .actions { display: grid; grid-auto-columns: 1fr; grid-auto-flow: column; }
/* What appears under a finger that was about to press something else is not pressed with it (UI-2009). */
@keyframes settle { from, to { pointer-events: none; } }
.armed { animation: settle 500ms; }
.hint { color: var(--ink-2); font-size: 12px; line-height: 1.4; }
.switch { margin-top: 12px; }
.link { appearance: none; background: none; border: 0; padding: 0; font: inherit; color: var(--accent); text-decoration: underline; text-decoration-color: color-mix(in srgb, var(--accent) 35%, transparent); text-underline-offset: 3px; cursor: pointer; }
.link:hover { text-decoration-color: currentcolor; }
ul.faults { padding-left: 16px; display: grid; gap: 4px; color: var(--ink-2); }
input[type="text"] { font: inherit; width: 100%; height: 40px; padding: 0 12px; border: 1px solid var(--line-strong); border-radius: 6px; background: var(--surface); color: var(--ink); }
input[type="text"]:hover { border-color: var(--ink-3); }
input[type="text"]:focus-visible { outline-offset: 0; }
input[aria-invalid="true"] { border-color: var(--bad); }
input[name="user_code"] { font-family: "JetBrains Mono Variable", "JetBrains Mono", ui-monospace, monospace; font-size: 16px; letter-spacing: 0.08em; text-transform: uppercase; }
::placeholder { color: var(--ink-3); opacity: 1; }
label { font-size: 13px; font-weight: 500; }
form.field { display: grid; gap: 6px; }
form.field .actions { margin-top: 10px; }
@media (forced-colors: active) { .notice, .icon { border: 1px solid; } }
`)
