import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { AddressGuard, GuardedFetch } from '../outbound/index.ts'
import { ensureKeyPair } from './key-pair.ts'
import { type PushMessage, payloadOf } from './push-message.ts'
import { openKeys } from './sealed.ts'
import { deleteEnded, listTargets, type PushTarget } from './store.ts'

const actor = systemActor('notifier', 'browsers of users are told what has happened')

/** How long a push service may take, in milliseconds. */
const TIMEOUT_MS = 10_000
/** Bytes of its answer, of which nothing is read. */
const MAX_ANSWER = 64 * 1024
/** How long a push service keeps a message for a browser that is away, in seconds. */
const KEPT_SECONDS = 24 * 60 * 60
/** Answers after which a subscription is of no use any more (OP-140). */
const ENDED: ReadonlySet<number> = new Set([400, 403, 404, 410])

/** What became of a message: how many browsers it was sent to, and why others did not get it. */
interface PushOutcome {
  readonly sent: number
  readonly failures: readonly string[]
}

/** Sends messages to the browsers of users, also while these have no page of ours open (OP-140, RFC 8030). */
export class WebPush implements AsyncDisposable {
  /** Which addresses a push service may have. */
  readonly guard: AddressGuard
  readonly #context: AppContext
  readonly #outside: GuardedFetch
  readonly #subscription: Disposable
  #publicKey: string | undefined
  /** One after the other, so that the last one sees the pair of now. */
  #reading: Promise<void> = Promise.resolve()

  private constructor(context: AppContext) {
    const { webpushAllowedPrivateCidrs: allowed } = context.config
    this.#context = context
    this.guard = new AddressGuard(allowed)
    this.#outside = new GuardedFetch(allowed)
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['webpush_keys']),
      onEvent: () => this.#readLater(),
      onReset: () => this.#readLater(),
    })
  }

  /** Makes the key pair of this deployment where there is none yet. @throws Error when the database does not answer. */
  static async start(context: AppContext): Promise<WebPush> {
    const made = new WebPush(context)
    try {
      await made.#read()
      return made
    } catch (error) {
      await made[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What browsers subscribe with; undefined while it is not known. */
  get publicKey(): string | undefined {
    return this.#publicKey
  }

  async #read(): Promise<void> {
    this.#publicKey = await ensureKeyPair(this.#context)
  }

  /** Another replica or a command has replaced the pair. */
  #readLater(): void {
    this.#reading = this.#reading
      .then(() => this.#read())
      .catch((error: unknown) =>
        this.#context.log.warn('the keys of web push could not be read', { error: describeError(error) }),
      )
  }

  /**
   * Sends a message to every browser of a user, at once, and forgets those that take none any more. A push service that
   * fails is told in the outcome.
   *
   * @throws Error when the database does not answer; the reason of the signal.
   */
  async send(userId: string, message: PushMessage, signal?: AbortSignal): Promise<PushOutcome> {
    const { db } = this.#context.database
    const targets = await listTargets(actor, db, userId)
    if (targets.length === 0) return { sent: 0, failures: [] }
    const text = payloadOf(message)
    const results = await Promise.all(
      targets.map(async (target) => ({ target, ...(await this.#push(target, message.tag, text, signal)) })),
    )
    await deleteEnded(
      actor,
      db,
      userId,
      results.filter(({ ended }) => ended).map(({ target }) => target.id),
    )
    const failures = results.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
    return { sent: targets.length - failures.length, failures }
  }

  async #push(
    target: PushTarget,
    topic: string,
    text: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly failure: string | undefined; readonly ended: boolean }> {
    // The rest of the address is a secret of the browser.
    const { host } = new URL(target.endpoint)
    const failed = (failure: string, ended: boolean) => {
      this.#context.log.info('a push service did not take a message', { host, error: failure, ended })
      return { failure, ended }
    }
    try {
      const response = await this.#outside.fetch(
        { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER },
        target.endpoint,
        { ...(await this.#requestFor(target, topic, text)), ...(signal === undefined ? {} : { signal }) },
      )
      await response.body?.cancel()
      if (response.ok) return { failure: undefined, ended: false }
      return failed(`${host} answered ${response.status}`, ENDED.has(response.status))
    } catch (error) {
      signal?.throwIfAborted()
      return failed(error instanceof Error ? error.message : String(error), false)
    }
  }

  async #requestFor(target: PushTarget, topic: string, text: string) {
    const { secrets, accessUrl } = this.#context
    const { authKey, privateKey } = openKeys(secrets.sealer, target)
    const { encrypt, getVapidHeaders, supportedContentEncodings } = (await import('web-push')).default
    const encoding = supportedContentEncodings.AES_128_GCM
    const { cipherText } = encrypt(target.p256dh_key, authKey, text, encoding)
    const { Authorization } = getVapidHeaders(
      new URL(target.endpoint).origin,
      contactOf(accessUrl()),
      target.public_key,
      privateKey,
      encoding,
    )
    return {
      method: 'POST',
      headers: {
        Authorization,
        'Content-Encoding': encoding,
        'Content-Type': 'application/octet-stream',
        TTL: String(KEPT_SECONDS),
        Topic: topic,
        Urgency: 'normal',
      },
      body: new Uint8Array(cipherText),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]()
    this.#outside[Symbol.dispose]()
    await this.#reading
  }
}

/** Whom a push service may turn to (RFC 8292): it takes no address of plain HTTP. */
function contactOf(accessUrl: string): string {
  const { protocol, origin, hostname } = new URL(accessUrl)
  return protocol === 'https:' ? origin : `mailto:slipway@${hostname}`
}
