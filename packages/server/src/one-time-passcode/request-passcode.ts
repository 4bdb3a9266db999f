import { createHash, randomUUID } from 'node:crypto'

import { describeError } from '@slipway/request-log'
import { recordEntry } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { RequestContext } from '../edge/index.ts'
import type { Mailer } from '../mail/index.ts'
import { passcodeMail } from './passcode-mail.ts'
import { storePasscode } from './store.ts'

const LIFETIME_MS = 20 * 60_000
/** Nobody's mailbox is filled by asking again and again. */
const AT_MOST_EVERY_MS = 60_000
const MAX_WAITING = 1_000

const guard = systemActor('account_security', 'who has forgotten a password is not signed in')

/** Digest of a code, as it is stored (ID-39). */
export function hashPasscode(passcode: string): Buffer {
  return createHash('sha256').update(passcode).digest()
}

/**
 * Makes one-time passcodes and mails them (ID-35). All of it happens after the answer, one request after the other, so
 * that neither answer nor time tells whether there is such an account.
 */
export class PasscodeRequests implements AsyncDisposable {
  readonly #context: AppContext
  readonly #mailer: Mailer
  #lane: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(context: AppContext, mailer: Mailer) {
    this.#context = context
    this.#mailer = mailer
  }

  /** Takes a request for the account with this address, if there is one. */
  take(email: string, request: RequestContext, userAgent: string): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#context.log.warn('a request for a one-time passcode is dropped because too many are waiting')
      return
    }
    this.#waiting += 1
    this.#lane = this.#lane.then(async () => {
      try {
        await this.#make(email, request, userAgent)
      } catch (error) {
        this.#context.log.error('a one-time passcode could not be made', { error: describeError(error) })
      } finally {
        this.#waiting -= 1
      }
    })
  }

  async #make(email: string, request: RequestContext, userAgent: string): Promise<void> {
    const { clock, database } = this.#context
    const now = clock.now().getTime()
    const expiresAt = new Date(now + LIFETIME_MS)
    const passcode = randomUUID()
    const user = await storePasscode(guard, database.db, email, {
      hashed: hashPasscode(passcode),
      expiresAt,
      recentUntil: new Date(now + LIFETIME_MS - AT_MOST_EVERY_MS),
    })
    if (user === undefined) return
    this.#mailer.send(passcodeMail(user, passcode, expiresAt, this.#context))
    await recordEntry(this.#context, {
      type: 'user',
      action: 'request_password_reset',
      user,
      organizationId: undefined,
      resourceId: user.id,
      target: user.username,
      icon: '',
      diff: {},
      status: 204,
      additionalFields: {},
      requestId: request.id,
      ip: request.remoteAddress,
      userAgent,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lane
  }
}
