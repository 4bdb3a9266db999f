import type { FastifyReply } from 'fastify'

import type { OAuthClient } from '../oauth2-clients/index.ts'
import { consentHead, documentHost, type Html, html, notice, sendPage } from '../oauth2-provider/index.ts'

/** What is about the same on all pages of the flow. */
interface Asking {
  readonly csrfToken: string
  readonly username: string
}

/** Asks for the code that a device shows; `fault` says what was wrong with the last one. */
export function sendCodePage(
  reply: FastifyReply,
  page: Asking & { readonly status: number; readonly code: string; readonly fault: string | undefined },
): FastifyReply {
  const { status, code, fault, csrfToken, username } = page
  return sendPage(reply, {
    status,
    title: 'Connect a device',
    body: html`
<div>
<h1>Connect a device</h1>
<p class="lead">Type the code that the device shows. Do this only if you have started it yourself: who sends you a code wants to act in your name.</p>
</div>
${fault === undefined ? undefined : html`<div role="alert" id="fault">${notice('bad', html`${fault}`)}</div>`}
<form class="field" method="post" action="/oauth2/device/verify">
<input type="hidden" name="csrf_token" value="${csrfToken}">
<label for="code">Code</label>
<input type="text" id="code" name="user_code" value="${code}" required maxlength="32" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="XXXX-XXXX" autofocus${fault === undefined ? undefined : FAULTY}>
<div class="actions"><button class="button primary">Continue</button></div>
</form>
<p class="hint">Signed in as <bdi>${username}</bdi></p>`,
  })
}

const FAULTY = html` aria-invalid="true" aria-describedby="fault"`

/** Asks whether the app on a device may act in the name of a user (OA-B12, OA-B14). */
export function sendDeviceConsentPage(
  reply: FastifyReply,
  page: Asking & {
    readonly client: OAuthClient
    readonly code: string
    readonly scopes: readonly string[]
    readonly resource: string | null
    /** Where the device has asked from. */
    readonly address: string
  },
): FastifyReply {
  const { client, code, scopes, resource, address, csrfToken, username } = page
  const head = consentHead(client, scopes, html`It asks for access to your account, from another device.`)
  return sendPage(reply, {
    status: 200,
    title: `Authorize ${client.name}`,
    images: head.images,
    body: html`
${head.html}
<dl>
<dt>Signed in as</dt><dd><bdi>${username}</bdi></dd>
<dt>Code on the device</dt><dd><code>${code}</code></dd>
<dt>Address of the device</dt><dd><code>${address}</code></dd>
${resource === null ? undefined : html`<dt>For use at</dt><dd><bdi>${resource}</bdi></dd>`}
${documentHost(client)}
</dl>
${notice('warn', html`Authorize it only if <strong>you have started this yourself</strong> and the device in front of you shows this code.`)}
<form method="post" action="/oauth2/device/decision">
<input type="hidden" name="csrf_token" value="${csrfToken}">
<input type="hidden" name="user_code" value="${code}">
<div class="actions armed">
<button class="button primary" name="decision" value="allow">Authorize</button>
<button class="button" name="decision" value="deny">Decline</button>
</div>
</form>
<p class="hint">You can take this back at any time in your settings, under authorized applications.</p>`,
  })
}

/** Says what was decided. */
export function sendDecidedPage(reply: FastifyReply, title: string, text: Html): FastifyReply {
  return sendPage(reply, {
    status: 200,
    title,
    body: html`
<div>
<h1>${title}</h1>
<p class="lead">${text}</p>
</div>
<div class="actions"><a class="button" href="/">Go to the dashboard</a></div>`,
  })
}
