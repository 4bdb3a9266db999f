import { randomBytes } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { textFont } from '../dashboard/index.ts'
import { PAGE_THEME } from '../edge/index.ts'
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
      .send(layout(page, nonce).text)
  )
}

/** What one notice says, with a sign that does not depend on its colour. */
export function notice(tone: 'warn' | 'bad', text: Html): Html {
  return html`<div class="notice ${tone}"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1.8 14.9 14H1.1Z"/><path d="M8 6.2v3.6M8 11.9v.2"/></svg><p>${text}</p></div>`
}

const MARK = new Html(
  '<svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><path d="M2.2 4.1 12.8 1.6C12.9 5.2 10.6 7.9 7.3 8.7 4.9 9.2 2.7 7.4 2.2 4.1Z"/><path d="M1.6 14.2 14.4 11.1"/></svg>',
)

function layout({ title, body }: Page, nonce: string): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="/favicon.svg">
<title>${title} · Slipway</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<div class="frame">
<header>${MARK}<span>Slipway</span></header>
<main>
${body}
</main>
</div>
</body>
</html>
`
}

const FONT = textFont()
/** The range is that of the file; other letters are of the system. */
const FACE =
  FONT === undefined
    ? ''
    : `@font-face { font-family: "Inter Variable"; font-weight: 100 900; font-display: swap; src: url(${FONT}) format("woff2"); unicode-range: U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD; }`

const STYLE = new Html(`${FACE}${PAGE_THEME}
*, ::before, ::after { box-sizing: border-box; border: 0 solid var(--line); }
html { background: var(--bg); color: var(--ink); font-family: "Inter Variable", Inter, ui-sans-serif, system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; font-size: 14px; line-height: 1.5; -webkit-font-smoothing: antialiased; overflow-wrap: anywhere; }
h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
h1 { font-size: 20px; line-height: 1.35; font-weight: 600; text-wrap: balance; }
h2 { font-size: 13px; line-height: 1.45; font-weight: 500; color: var(--ink-2); }
.frame { min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column; align-items: center; padding: 48px 16px; }
@media (max-width: 480px) { .frame { padding: 24px 16px; } }
header { display: flex; align-items: center; gap: 8px; margin-bottom: 24px; font-weight: 600; font-size: 16px; }
svg { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.mark { width: 20px; height: 20px; color: var(--accent); }
main { width: 100%; max-width: 440px; background: var(--surface); border-width: 1px; border-radius: 12px; padding: 24px; display: flex; flex-direction: column; gap: 16px; }
@media (max-width: 480px) { main { padding: 16px; } }
a { color: var(--accent); text-decoration-color: color-mix(in srgb, var(--accent) 35%, transparent); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentcolor; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.app { display: flex; gap: 12px; align-items: flex-start; }
.icon { width: 40px; height: 40px; border-radius: 8px; border-width: 1px; flex: none; display: grid; place-content: center; overflow: hidden; background: var(--bg); color: var(--ink-2); font-weight: 600; font-size: 16px; }
.icon img { width: 24px; height: 24px; object-fit: contain; }
.app p { color: var(--ink-2); font-size: 13px; line-height: 1.45; margin-top: 4px; }
ul.scopes { list-style: none; border-width: 1px; border-radius: 8px; margin-top: 8px; max-height: 296px; overflow: auto; }
ul.scopes li { display: flex; gap: 8px; padding: 8px 12px; font-size: 13px; line-height: 1.45; }
ul.scopes li + li { border-top-width: 1px; }
ul.scopes svg { width: 16px; height: 16px; margin-top: 1px; color: var(--accent); }
ul.scopes code { display: block; color: var(--ink-3); font-size: 12px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; font-size: 13px; line-height: 1.45; }
dt { color: var(--ink-2); }
dd { min-width: 0; }
code { font-family: "JetBrains Mono Variable", "JetBrains Mono", ui-monospace, monospace; font-size: 0.93em; }
.notice { display: flex; gap: 8px; border-radius: 8px; padding: 8px 12px; font-size: 13px; line-height: 1.45; color: var(--ink); }
.notice svg { width: 16px; height: 16px; margin-top: 1px; }
.notice.warn { background: var(--warn-wash); } .notice.warn svg { color: var(--warn); }
.notice.bad { background: var(--bad-wash); } .notice.bad svg { color: var(--bad); }
.actions { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.button { appearance: none; font: inherit; font-size: 13px; line-height: 1; font-weight: 500; height: 32px; padding: 0 12px; border-radius: 6px; display: inline-flex; align-items: center; justify-content: center; text-decoration: none; cursor: pointer; white-space: nowrap; transition: background-color 120ms cubic-bezier(0.2, 0, 0, 1); border: 1px solid var(--line-strong); background: var(--surface); color: var(--ink); }
.button:hover { background: var(--hover); }
.button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
.button.primary:hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
@media (pointer: coarse) { .button { height: 40px; } }
/* What appears under a finger that was about to press something else is not pressed with it (UI-2009). */
@keyframes settle { from, to { pointer-events: none; } }
.armed { animation: settle 500ms; }
.hint { color: var(--ink-3); font-size: 12px; line-height: 1.4; }
.switch { margin-top: 12px; }
.link { appearance: none; background: none; border: 0; padding: 0; font: inherit; color: var(--accent); text-decoration: underline; text-underline-offset: 3px; cursor: pointer; }
ul.faults { padding-left: 16px; display: grid; gap: 4px; color: var(--ink-2); }
input[type="text"] { font: inherit; width: 100%; height: 40px; padding: 0 12px; border: 1px solid var(--line-strong); border-radius: 6px; background: var(--surface); color: var(--ink); }
label { font-size: 13px; font-weight: 500; }
form.field { display: grid; gap: 8px; }
form.field .actions { margin-top: 8px; }
@media (prefers-reduced-motion: reduce) { .button { transition: none; } }
@media (forced-colors: active) { .notice, .button, .icon { border: 1px solid; } }
`)
