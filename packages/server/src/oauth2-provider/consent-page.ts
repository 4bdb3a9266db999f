import type { FastifyReply } from 'fastify'

import { scopeInWords } from '@slipway/contract'
import type { OAuthClient } from '../oauth2-clients/index.ts'
import type { AuthorizationRequest } from './authorization-request.ts'
import { Html, html } from './html.ts'
import { notice, sendPage } from './page.ts'
import { readScopes } from './scopes.ts'

/** What the page asks, and whom. */
export interface Consent {
  readonly client: OAuthClient
  readonly request: AuthorizationRequest
  readonly user: { readonly username: string; readonly email: string }
  /** Path and query that the form is sent to: those of the page itself (OA-47). */
  readonly action: string
  readonly csrfToken: string
  /** Where the link of OA-48 leads. */
  readonly cancel: string
  /** Whether who is asked has a session that can be ended here. */
  readonly canSwitch: boolean
}

const CHECK = new Html('<svg viewBox="0 0 16 16" aria-hidden="true"><path d="m3 8.5 3.2 3.2L13 4.8"/></svg>')

/** Asks whether an app may act in the name of a user (OA-47, OA-B14, UI-608). */
export function sendConsentPage(reply: FastifyReply, consent: Consent): FastifyReply {
  const { client, request, user } = consent
  const head = consentHead(client, request.scopes, html`It asks for access to your account.`)
  const body = html`
${head.html}
<dl>
<dt>Signed in as</dt><dd><bdi>${user.username}</bdi> <span class="hint"><bdi>${user.email}</bdi></span></dd>
${request.resource === undefined ? undefined : html`<dt>For use at</dt><dd><bdi>${request.resource}</bdi></dd>`}
<dt>Sends you to</dt><dd><bdi>${destination(request.redirectUri)}</bdi></dd>
${documentHost(client)}
</dl>
${destinationWarning(request.redirectUri)}
<form method="post" action="${consent.action}">
<input type="hidden" name="csrf_token" value="${consent.csrfToken}">
<div class="actions armed">
<button class="button primary" name="decision" value="allow">Authorize</button>
<a class="button" href="${consent.cancel}" autofocus>Cancel</a>
</div>
<p class="hint switch">You did not start this? <button class="link" name="decision" value="deny">Refuse it for the record</button></p>
${consent.canSwitch ? html`<p class="hint switch">Not you? <button class="link" name="decision" value="switch" formnovalidate>Sign in as somebody else</button></p>` : undefined}
</form>
<p class="hint">You can take this back at any time in your settings, under authorized applications.</p>`
  return sendPage(reply, {
    status: 200,
    title: `Authorize ${client.name}`,
    body,
    images: head.images,
  })
}

/** What every page begins with that asks for consent to an app: who asks, whether anybody has checked that, and what for. */
export function consentHead(
  client: OAuthClient,
  scopes: readonly string[],
  text: Html,
): { readonly html: Html; readonly images: readonly string[] } {
  const name = html`<bdi>${client.name}</bdi>`
  const icon = iconOf(client)
  const { widest, included } = readScopes(scopes)
  return {
    html: html`<div class="app">
<div class="icon" aria-hidden="true">${icon === undefined ? html`${monogram(client.name)}` : html`<img src="${icon.url}" alt="">`}</div>
<div>
<h1>Authorize ${name}</h1>
<p class="lead">${text}</p>
</div>
</div>
${origin(client)}
<section aria-labelledby="access">
<h2 id="access">${name} will be able to</h2>
${scopeList(widest)}
${included.length === 0 ? undefined : html`<details><summary>With all that this includes (${String(included.length)})</summary>${scopeList(included)}</details>`}
</section>`,
    images: icon?.origin === undefined ? [] : [icon.origin],
  }
}

function scopeList(scopes: readonly string[]): Html {
  return html`<ul class="scopes">${scopes.map((scope) => html`<li>${CHECK}<span>${scopeInWords(scope)}<code>${scope}</code></span></li>`)}</ul>`
}

/** Whether nobody but the app itself says who it is. */
function isSelfRegistered(client: OAuthClient): boolean {
  return client.dynamically_registered || client.metadata_url !== null
}

function origin(client: OAuthClient): Html | undefined {
  return isSelfRegistered(client)
    ? notice(
        'warn',
        html`<strong>Self-registered, unverified.</strong> Nobody has checked that this app is what its name says. Authorize it only if you have just started it yourself.`,
      )
    : undefined
}

/** Whose document describes the client (OA-B13), for a list of terms; undefined where none does. */
export function documentHost({ metadata_url: url }: OAuthClient): Html | undefined {
  return url === null
    ? undefined
    : html`<dt>Described by</dt><dd><bdi>${URL.parse(url)?.host ?? url}</bdi></dd>`
}

const THIS_MACHINE = /^(localhost|.+\.localhost|127\.0\.0\.1|\[::1\])$/

function isThisMachine(url: URL): boolean {
  return url.protocol === 'http:' && THIS_MACHINE.test(url.hostname)
}

/** Host of a web address; of any other what opens it. */
function destination(uri: string): string {
  const url = URL.parse(uri)
  if (url === null) return uri
  if (isThisMachine(url)) return `${url.host} (this computer)`
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.host : `${url.protocol} (a program)`
}

function destinationWarning(uri: string): Html | undefined {
  const url = URL.parse(uri)
  if (url === null || url.protocol === 'https:') return undefined
  return isThisMachine(url)
    ? notice(
        'warn',
        html`This sends access to <strong>a program on your computer</strong>, at <code>${url.host}</code>. Any program that runs there can receive it.`,
      )
    : url.protocol === 'http:'
      ? notice('warn', html`The connection to <code>${url.host}</code> is not encrypted.`)
      : notice(
          'warn',
          html`This opens whichever program on your computer is registered for <code>${url.protocol}</code> addresses.`,
        )
}

/** First letter of the name, which stands in for an icon. */
function monogram(name: string): string {
  return ([...name.trim()][0] ?? '?').toUpperCase()
}

/**
 * Icon of an app that an administrator has made. Those of others are not loaded: they say what the app likes them to, and
 * their host would learn who is asked.
 */
function iconOf(
  client: OAuthClient,
): { readonly url: string; readonly origin: string | undefined } | undefined {
  if (isSelfRegistered(client) || client.icon === '') return undefined
  if (/^\/(?!\/)[\x21-\x7e]*$/.test(client.icon)) return { url: client.icon, origin: undefined }
  const url = URL.parse(client.icon)
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return undefined
  return { url: url.href, origin: url.origin }
}
