import type { FastifyReply } from 'fastify'

import { html } from './html.ts'
import { notice, sendPage } from './page.ts'

/** What a person is told who was sent here with a request that cannot be answered. */
export interface Fault {
  readonly status: number
  readonly title: string
  readonly message: string
  /** Each of them in a line of its own. */
  readonly faults?: readonly string[]
  /** Who can put it right, and how. */
  readonly hint?: string
}

const FROM_THE_APPLICATION =
  'This comes from the application that has sent you here, and only it can put it right.'

/** §8 row 2: who follows a link to an unknown client is a person (OA-B11). */
export const UNKNOWN_CLIENT: Fault = {
  status: 401,
  title: 'Unknown application',
  message:
    'No application is registered here under the client_id of this link. Start again from the application, or ask who runs it.',
}

/** OA-B13: the application may well be right, and this server have no way to what describes it. */
export function unreachedDocument(clientId: string, status: number): Fault {
  return {
    status,
    title: 'Application out of reach',
    message: `The application is described at ${clientId}, and this server could not read that.`,
    hint: `Try again in a minute: the server of the application may be down. A deployment without a way to it cannot take such applications; its administrator can have them register themselves instead, with CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS=*.`,
  }
}

/** §8 row 5. */
export const UNSUPPORTED_RESPONSE_TYPE: Fault = {
  status: 400,
  title: 'Unsupported Response Type',
  message:
    'Only response_type=code is supported: the application asks for tokens in an address, which OAuth 2.1 has dropped.',
}

/** §8 row 7. */
export const UNSAFE_CALLBACK: Fault = {
  status: 400,
  title: 'Invalid Callback URL',
  message: 'The callback URL of the application has a scheme that nobody may be redirected to.',
}

/** §8 row 4, each fault by itself. */
export function invalidParameters(faults: readonly string[]): Fault {
  return {
    status: 400,
    title: 'Invalid Query Parameters',
    message: 'The application has sent a request that cannot be answered:',
    faults,
  }
}

/** Says what is wrong, to a person and not to an app: nobody is redirected (OA-43, OA-B11). */
export function sendFaultPage(
  reply: FastifyReply,
  { status, title, message, faults = [], hint = FROM_THE_APPLICATION }: Fault,
): FastifyReply {
  return sendPage(reply, {
    status,
    title,
    body: html`
<h1>${title}</h1>
${notice('bad', html`${message}`)}
${faults.length === 0 ? undefined : html`<ul class="faults">${faults.map((fault) => html`<li>${fault}</li>`)}</ul>`}
<p class="hint">${hint} Nothing was shared with it.</p>
<div class="actions"><a class="button" href="/">Go to the dashboard</a></div>`,
  })
}
