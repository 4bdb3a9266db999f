import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type Accepted, baseUrl, type Incoming, pageCsrfToken, pageSession } from '../edge/index.ts'
import { ApiError, OAuthError } from '../errors/index.ts'
import type { SignInDelay } from '../identity/index.ts'
import { markClientAuthorized, type OAuthClient, type OAuthClients } from '../oauth2-clients/index.ts'
import {
  Form,
  formOf,
  html,
  isOAuthToken,
  mayGrant,
  recordEvent,
  sendFaultPage,
} from '../oauth2-provider/index.ts'
import { sendCodePage, sendDecidedPage, sendDeviceConsentPage } from './device-pages.ts'
import { decideDeviceCode, findByUserCode, type UserFacingCode } from './store.ts'
import { hashUserCode, readUserCode, shownUserCode } from './user-code.ts'

const actor = systemActor('system_oauth', 'a client that a user has authorised is in use')

/** What the pages of the flow need. */
export interface DeviceParts {
  readonly context: AppContext
  readonly clients: OAuthClients
  readonly delay: SignInDelay
}

type Visit = Pick<Incoming<never>, 'context' | 'raw' | 'reply'>

/** A request that somebody has found by its code. */
interface Found {
  readonly accepted: Accepted
  readonly letters: string
  readonly waiting: UserFacingCode
  readonly client: OAuthClient
}

/** Asks for the code of a device; one in the address is filled in and not yet looked at (RFC 8628 section 3.3.1). */
export async function showDevicePage(
  { context }: DeviceParts,
  visit: Visit,
  code: string | undefined,
): Promise<undefined> {
  const accepted = signedIn(context, visit, visit.raw.url)
  if (accepted === undefined) return
  const letters = readUserCode(code ?? '')
  askForCode(context, visit, accepted, 200, letters === undefined ? '' : shownUserCode(letters), undefined)
}

/** Looks for the device that shows a code, and asks what to do about it. */
export async function verifyUserCode(parts: DeviceParts, visit: Visit, bytes: Buffer): Promise<undefined> {
  const found = await find(parts, visit, new Form(formOf(bytes)).get('user_code') ?? '')
  if (found === undefined) return
  const { accepted, letters, waiting, client } = found
  sendDeviceConsentPage(visit.reply, {
    client,
    code: shownUserCode(letters),
    scopes: waiting.scopes,
    resource: waiting.resource_uri,
    address: waiting.ip_address,
    username: accepted.owner.username,
    csrfToken: pageCsrfToken(visit.raw, visit.reply, parts.context.cookies),
  })
}

/** Takes the decision of a user about a device (OA-B12). */
export async function decideDevice(parts: DeviceParts, visit: Visit, bytes: Buffer): Promise<undefined> {
  const form = new Form(formOf(bytes))
  const found = await find(parts, visit, form.get('user_code') ?? '')
  if (found === undefined) return
  const decision = form.get('decision')
  if (decision !== 'allow' && decision !== 'deny')
    return void sendFaultPage(visit.reply, {
      status: 400,
      title: 'Nothing was decided',
      message: 'The decision must be allow or deny.',
    })
  const { accepted, waiting, client } = found
  const { context } = parts
  const { owner } = accepted
  const { scopes } = waiting
  if (decision === 'allow' && !(await mayGrant(context, accepted, scopes)))
    return void sendFaultPage(visit.reply, {
      status: 403,
      title: 'Not allowed',
      message: 'Your token may do less than the app asks for, so that it cannot authorize it.',
    })
  const now = context.clock.now()
  const status = decision === 'allow' ? 'approved' : 'denied'
  const decided = await context.database.transaction(async (tx) => {
    if (!(await decideDeviceCode(accepted.actor, tx, owner.id, waiting.id, status, now))) return false
    if (decision === 'allow' && client.first_authorized_at === null)
      await markClientAuthorized(actor, tx, client.id, now)
    return true
  })
  if (!decided) return askForCode(context, visit, accepted, 400, '', UNKNOWN)
  await recordEvent(context, visit, {
    event: decision === 'allow' ? 'consent_granted' : 'consent_denied',
    client,
    user: owner,
    scopes,
  })
  if (decision === 'allow')
    sendDecidedPage(
      visit.reply,
      'Device connected',
      html`You can go back to the device: <bdi>${client.name}</bdi> goes on by itself.`,
    )
  else sendDecidedPage(visit.reply, 'Declined', html`<bdi>${client.name}</bdi> was given nothing.`)
}

const UNKNOWN =
  'No device waits with this code. Codes are good for 15 minutes and once; look at the device again.'

/** The request with a code, for who is signed in; undefined when that was answered already. */
async function find(parts: DeviceParts, visit: Visit, typed: string): Promise<Found | undefined> {
  const { context, clients, delay } = parts
  const accepted = signedIn(context, visit, '/oauth2/device')
  if (accepted === undefined) return undefined
  const letters = readUserCode(typed)
  if (letters === undefined) {
    // What cannot be a code is no guess.
    const fault = 'A code has eight letters, such as WDJB-MJHT, without vowels and digits.'
    return askForCode(context, visit, accepted, 400, '', fault)
  }
  const { actor: user, owner } = accepted
  let waiting: UserFacingCode | undefined
  try {
    // A code that was decided already, such as by a second click, is no guess either.
    await delay.guess({ kind: 'device code', userId: owner.id }, async () => {
      waiting = await findByUserCode(
        user,
        context.database.db,
        owner.id,
        hashUserCode(letters),
        context.clock.now(),
      )
      return waiting !== undefined
    })
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 429) throw error
    visit.reply.headers(error.headers)
    return askForCode(
      context,
      visit,
      accepted,
      429,
      '',
      'There were too many wrong codes. Try again in a quarter of an hour.',
    )
  }
  if (waiting?.waits !== true) return askForCode(context, visit, accepted, 400, '', UNKNOWN)
  const client = await findClient(clients, visit, waiting.app_id)
  return client === undefined ? undefined : { accepted, letters, waiting, client }
}

/** The app that a device runs; undefined when that was answered already, because what describes it cannot be read now. */
async function findClient(
  clients: OAuthClients,
  { context, reply }: Visit,
  id: string,
): Promise<OAuthClient | undefined> {
  let message = 'The application was removed.'
  try {
    const client = await clients.find(id, context.remoteAddress)
    if (client !== undefined) return client
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    message = error.message
  }
  sendFaultPage(reply, { status: 400, title: 'Unknown application', message })
  return undefined
}

/** Who is signed in and may decide; undefined when that was answered already. */
function signedIn({ config }: AppContext, visit: Visit, target: string): Accepted | undefined {
  const { context, reply } = visit
  const access = pageSession(context, baseUrl(context, config.accessUrl), target)
  if (access.kind === 'sign-in') {
    void reply.code(303).header('Location', access.location).send()
    return undefined
  }
  if (!isOAuthToken(access.accepted)) return access.accepted
  sendFaultPage(reply, {
    status: 403,
    title: 'Not allowed',
    message: 'An app cannot authorize another app in your name. Sign in with your browser to do that.',
  })
  return undefined
}

function askForCode(
  { cookies }: AppContext,
  { raw, reply }: Visit,
  { owner }: Accepted,
  status: number,
  code: string,
  fault: string | undefined,
): undefined {
  const csrfToken = pageCsrfToken(raw, reply, cookies)
  sendCodePage(reply, { status, code, fault, csrfToken, username: owner.username })
}
