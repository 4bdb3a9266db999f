import { createHash } from 'node:crypto'

import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { ApiError } from '../../errors/index.ts'
import { addFailure, deleteFailures, findFailures, type SignInFailures } from '../store/sign-in-failures.ts'

/** Wrong guesses that cost nothing. */
const FREE = 5
const MAX_SECONDS = 15 * 60
/** After that long without a further one they are forgotten; also how long rows are kept. */
const FORGET_MS = 60 * 60_000

const guard = systemActor('account_security', 'wrong guesses are counted for whoever makes them')

/**
 * What is guessed: the password of an address, known or not, or the second factor of a user; or by a user, which device
 * waits for somebody (OA-B12).
 */
export type Guessed =
  | { readonly kind: 'password'; readonly email: string }
  | { readonly kind: 'second factor'; readonly userId: string }
  | { readonly kind: 'device code'; readonly userId: string }

/**
 * Slows down guessing about one account, from however many addresses and over all replicas (ID-209): the fifth wrong guess
 * costs a second, each further one twice as long, up to a quarter of an hour; for devices that from the start. An address that nobody has is treated alike.
 */
export class SignInDelay {
  readonly #context: AppContext

  constructor(context: AppContext) {
    this.#context = context
  }

  /** @throws ApiError 429 with `Retry-After` while a delay is running. */
  async check(guessed: Guessed): Promise<void> {
    this.#refuseWithin(await this.state(guessed))
  }

  /**
   * Runs a guess: refused unseen while a delay is running, counted when `right` is false. One that was under way when a
   * delay began is refused whatever it was, or many at once would be many for free.
   *
   * @throws ApiError 429 with `Retry-After`.
   */
  async guess(guessed: Guessed, compare: () => Promise<boolean>): Promise<boolean> {
    await this.check(guessed)
    const right = await compare()
    if (right) await this.#succeeded(guessed)
    else await this.#failed(guessed)
    return right
  }

  async #failed(guessed: Guessed): Promise<void> {
    const now = this.#context.clock.now()
    const counted = await addFailure(guard, this.#context.database.db, accountOf(guessed), {
      now,
      free: FREE,
      // A mistake is made once or twice: of codes that nobody has to remember the fifth wrong one is no mistake.
      minSeconds: guessed.kind === 'device code' ? MAX_SECONDS : 0,
      maxSeconds: MAX_SECONDS,
      forgetBefore: new Date(now.getTime() - FORGET_MS),
    })
    if (counted === undefined) await this.check(guessed)
    else if (counted.delayed_until !== null)
      this.#context.log.warn('wrong guesses about an account are slowed down', {
        guessed: guessed.kind,
        failures: counted.failures,
        delayed_until: counted.delayed_until.toISOString(),
      })
  }

  async #succeeded(guessed: Guessed): Promise<void> {
    const before = await this.state(guessed)
    if (before === undefined) return
    this.#refuseWithin(before)
    // Who starts a device of their own would have guesses without end.
    if (guessed.kind !== 'device code') await this.reset(guessed)
  }

  /** What is remembered of an account. */
  state(guessed: Guessed): Promise<SignInFailures | undefined> {
    return findFailures(guard, this.#context.database.db, accountOf(guessed))
  }

  /** Forgets it; resolves to whether there was anything. */
  reset(guessed: Guessed): Promise<boolean> {
    return deleteFailures(guard, this.#context.database.db, accountOf(guessed))
  }

  #refuseWithin(state: SignInFailures | undefined): void {
    const now = this.#context.clock.now()
    if (state?.delayed_until === null || state === undefined || state.delayed_until <= now) return
    const seconds = Math.ceil((state.delayed_until.getTime() - now.getTime()) / 1_000)
    throw new ApiError(429, 'Too many wrong attempts for this account. Try again later.', {
      detail: `Try again in ${seconds} seconds. An administrator can end the delay.`,
      headers: { 'Retry-After': String(seconds) },
    })
  }
}

/** Addresses are kept as digests only, so that what was typed by mistake is nowhere to be read. */
function accountOf(guessed: Guessed): Buffer {
  const name =
    guessed.kind === 'password'
      ? `password ${guessed.email.toLowerCase()}`
      : `${guessed.kind} ${guessed.userId}`
  return createHash('sha256').update(name).digest()
}
