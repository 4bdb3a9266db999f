import { setTimeout as wait } from 'node:timers/promises'

import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import type { Mail } from './mail.ts'
import { isPermanent, mailServer, type Transport } from './transport.ts'

const ATTEMPTS = 5
const FIRST_RETRY_MS = 5_000
const RETRY_FACTOR = 3
/** Messages that wait or are under way. */
const MAX_WAITING = 1_000

/**
 * Hands messages to the mail server, one after the other and in the background: who asks for one neither waits nor
 * learns what became of it. A failure that may pass is tried again, up to five times within a few minutes (OP-134).
 */
export class Mailer implements AsyncDisposable {
  readonly #context: Pick<AppContext, 'config' | 'log' | 'clock' | 'passwords'>
  readonly #waiting = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  /** What is being sent; the next attempt stands behind it. */
  #lane: Promise<unknown> = Promise.resolve()
  readonly #server: Transport

  constructor(context: Pick<AppContext, 'config' | 'log' | 'clock' | 'passwords'>) {
    this.#context = context
    this.#server = mailServer(context)
  }

  /** Takes a message. What cannot be sent leaves a warning that tells the operator why. */
  send(mail: Mail): void {
    const { config, log } = this.#context
    if (config.emailSmarthost === '' || config.emailFrom === '') {
      log.warn(
        'a message cannot be sent because no mail server is configured: set CODER_EMAIL_SMARTHOST and CODER_EMAIL_FROM',
        { subject: mail.subject },
      )
      return
    }
    if (this.#stop.signal.aborted) return
    if (this.#waiting.size >= MAX_WAITING) {
      log.warn('a message is dropped because too many are waiting for the mail server', {
        subject: mail.subject,
      })
      return
    }
    const delivery = this.#deliver(mail).finally(() => this.#waiting.delete(delivery))
    this.#waiting.add(delivery)
  }

  async #deliver(mail: Mail): Promise<void> {
    const { clock, log } = this.#context
    for (let attempt = 1, delay = FIRST_RETRY_MS; ; attempt += 1, delay *= RETRY_FACTOR) {
      const error = await this.#attempt(mail)
      if (error === undefined || this.#stop.signal.aborted) return
      const late = clock.now().getTime() + delay >= mail.expiresAt.getTime()
      const last = attempt === ATTEMPTS || late || isPermanent(error)
      log.warn(last ? 'a message could not be sent' : 'a message could not be sent and is tried again', {
        subject: mail.subject,
        attempt,
        error: describeError(error),
      })
      if (last) return
      await wait(delay, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
    }
  }

  /** Sends it when its turn has come; resolves to what went wrong. */
  #attempt(mail: Mail): Promise<unknown> {
    const sending = this.#lane.then(async () => {
      if (this.#stop.signal.aborted) return undefined
      try {
        await this.#server.send(mail)
        return undefined
      } catch (error) {
        return error
      }
    })
    this.#lane = sending
    return sending
  }

  /** Stops: a message that is being sent is finished or times out, what waits is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#waiting)
  }
}
