import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { untilAborted } from '../until-aborted.ts'
import { type Template, templateOf } from './catalog/index.ts'
import { type Delivery, type Dispatcher, UndeliverableError } from './dispatch/delivery.ts'
import { inboxDispatcher } from './dispatch/inbox.ts'
import { smtpDispatcher } from './dispatch/smtp.ts'
import { webhookDispatcher } from './dispatch/webhook.ts'
import { escapeMarkdown } from './escape.ts'
import { DeliveryMetrics } from './metrics.ts'
import { OutcomeBuffer } from './outcome-buffer.ts'
import { parsePayload } from './payload.ts'
import { render } from './render.ts'
import { type LeasedMessage, leaseMessages, type Method, type Outcome } from './store/messages.ts'

const actor = systemActor('notifier', 'messages that wait are delivered')

/** How long stopping waits for what is being delivered, and then for the database (OP-32). */
const STOP_MS = 5_000

/** What became of one attempt; nothing when the process stops, so that somebody else tries. */
type Attempt = Pick<Outcome, 'status' | 'reason'>

/**
 * Delivers the messages that wait: when one is queued, and every fetch interval for those that are to be tried again and
 * those of replicas that are gone. Any number of replicas share the work; each message is somebody's for the time of a
 * lease (OP-133).
 */
export class Notifier implements AsyncDisposable {
  readonly #context: AppContext
  readonly #metrics: DeliveryMetrics
  readonly #outcomes: OutcomeBuffer
  readonly #dispatchers: Readonly<Record<Method, Dispatcher>>
  readonly #subscription: Disposable
  /** Ends what is being delivered. */
  readonly #stop = new AbortController()
  #stopping = false
  #timer: NodeJS.Timeout | undefined
  #wanted = false
  #round: Promise<void> | undefined

  constructor(context: AppContext) {
    this.#context = context
    this.#metrics = new DeliveryMetrics(context.metrics)
    this.#outcomes = new OutcomeBuffer(context, actor, this.#metrics)
    this.#dispatchers = {
      smtp: smtpDispatcher(context),
      webhook: webhookDispatcher(context.config),
      inbox: inboxDispatcher(context, actor),
    }
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['notification_message']),
      onEvent: ({ op }) => op === 'insert' && this.#wake(),
      onReset: () => this.#wake(),
    })
    this.#wake()
  }

  #wake(): void {
    this.#wanted = true
    if (this.#stopping) return
    this.#round ??= this.#run().finally(() => {
      this.#round = undefined
      if (this.#stopping) return
      if (this.#wanted) this.#wake()
      else
        this.#timer = setTimeout(() => this.#wake(), this.#context.config.notificationsFetchInterval).unref()
    })
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer)
    const { notificationsLeaseCount: limit } = this.#context.config
    try {
      while (this.#wanted && !this.#stopping) {
        this.#wanted = false
        const count = await labelled('notifications', () => this.#deliverWaiting(limit))
        if (count === limit) this.#wanted = true
      }
    } catch (error) {
      this.#context.log.error('notifications could not be fetched', { error: describeError(error) })
    }
  }

  /** @returns how many messages were taken. */
  async #deliverWaiting(limit: number): Promise<number> {
    const { config, clock, database, replicaId } = this.#context
    const now = clock.now()
    const messages = await leaseMessages(actor, database.db, {
      holder: replicaId,
      now,
      until: new Date(now.getTime() + config.notificationsLeasePeriod),
      limit,
      maxAttempts: config.notificationsMaxSendAttempts,
    })
    await Promise.all(messages.map((message) => this.#deliver(message)))
    return messages.length
  }

  async #deliver(message: LeasedMessage): Promise<void> {
    const { config, clock } = this.#context
    const { id, method, attempt_count: attempts } = message
    const attempt = await this.#attempt(message)
    if (attempt === undefined) return
    const at = clock.now()
    const again = attempt.status === 'temporary_failure' && attempts < config.notificationsMaxSendAttempts
    if (attempt.status !== 'sent' && attempt.status !== 'inhibited')
      this.#context.log.warn('a notification could not be delivered', {
        message_id: id,
        template_id: message.template_id,
        method,
        attempt: attempts,
        again,
        error: attempt.reason,
      })
    await this.#outcomes.add({
      id,
      attempt: attempts,
      status: attempt.status === 'temporary_failure' && !again ? 'permanent_failure' : attempt.status,
      reason: attempt.reason,
      nextRetryAfter: again ? new Date(at.getTime() + config.notificationsRetryInterval) : undefined,
      at,
    })
  }

  async #attempt(message: LeasedMessage): Promise<Attempt | undefined> {
    const { config, clock } = this.#context
    const template = templateOf(message.template_id)
    if (template === undefined)
      return { status: 'permanent_failure', reason: 'this release knows no such kind of notification' }
    if (message.disabled ?? !template.enabledByDefault)
      return { status: 'inhibited', reason: 'disabled by user' }

    const { method } = message
    const labels = { method, notification_template_id: template.id }
    if (message.attempt_count > 1) this.#metrics.retries.inc(labels)
    else
      this.#metrics.queuedSeconds.observe(
        { method },
        Math.max(0, clock.now().getTime() - message.created_at.getTime()) / 1_000,
      )
    this.#metrics.inflight.inc(labels)
    const start = performance.now()
    const deadline = AbortSignal.timeout(config.notificationsDispatchTimeout)
    try {
      const delivery = await deliveryOf(template, message, this.#context)
      const signal = AbortSignal.any([deadline, this.#stop.signal])
      await untilAborted(signal, this.#dispatchers[method].send(delivery, signal))
      this.#metrics.attempts.inc({ ...labels, result: 'success' })
      return { status: 'sent', reason: '' }
    } catch (error) {
      if (this.#stop.signal.aborted) return undefined
      const permanent = error instanceof UndeliverableError
      this.#metrics.attempts.inc({ ...labels, result: permanent ? 'perm_fail' : 'temp_fail' })
      return {
        status: permanent ? 'permanent_failure' : 'temporary_failure',
        reason: deadline.aborted ? 'it took too long' : reasonOf(error),
      }
    } finally {
      this.#metrics.inflight.dec(labels)
      this.#metrics.sendSeconds.observe({ method }, (performance.now() - start) / 1_000)
    }
  }

  /**
   * Stops: what is being delivered has a few seconds to end, and what was delivered is written, so that it is not sent
   * twice (OP-32).
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    this.#subscription[Symbol.dispose]()
    clearTimeout(this.#timer)
    const late = setTimeout(() => this.#stop.abort(), STOP_MS)
    await this.#round
    clearTimeout(late)
    clearTimeout(this.#timer)
    await this.#outcomes[Symbol.asyncDispose]()
  }
}

/** The message with its texts, as they are in this release (OP-130). @throws UndeliverableError for a payload that cannot be read. */
async function deliveryOf(
  template: Template,
  { id, payload: stored, targets, created_at: createdAt }: LeasedMessage,
  { accessUrl, appearance }: Pick<AppContext, 'accessUrl' | 'appearance'>,
): Promise<Delivery> {
  const { markdownToText } = await import('./markdown.ts')
  try {
    const payload = parsePayload(stored)
    const view = { ...payload, base_url: accessUrl(), app_name: appearance.applicationName }
    const titleMarkdown = render(template.title, view, escapeMarkdown)
    const bodyMarkdown = render(template.body, view, escapeMarkdown).trim()
    return {
      id,
      payload,
      targets,
      createdAt,
      title: markdownToText(titleMarkdown).replace(/\s+/g, ' '),
      titleMarkdown,
      body: markdownToText(bodyMarkdown),
      bodyMarkdown,
    }
  } catch (cause) {
    throw new UndeliverableError('its text could not be made', { cause })
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
