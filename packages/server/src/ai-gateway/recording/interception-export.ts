import type { AIExportFormat } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { GatewaySettings } from '../../ai-governance/index.ts'
import { sendBatches } from '../../audit-forwarding/index.ts'
import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { GuardedFetch } from '../../outbound/index.ts'
import type { AwsCredentials } from '../bedrock/aws-credentials.ts'
import type { GatewayMetrics } from '../observation/metrics.ts'
import {
  claimExports,
  completeExports,
  type ExportedInterception,
  postponeExport,
  releaseExports,
  type SetAside,
  setAsideExports,
} from '../store/exports.ts'
import { exportRequest } from './export-request.ts'

const actor = systemActor('aibridged', 'what models are asked is exported whoever asks')

/** For a batch to be taken, in milliseconds; shorter than it is claimed. */
const SEND_MS = 15_000
const CLAIM_SECONDS = 60
const BATCH = 50
const MAX_ANSWER = 64 * 1024
/** What is refused among others is looked for with that many requests, and for that long in milliseconds: others wait for it. */
const MAX_REQUESTS = 16
const SEARCH_MS = 20_000
/** Interceptions that are named of those that are set aside. */
const NAMED = 20

/** A destination has refused a batch; sent again, that may well be refused again. */
class RefusedError extends Error {
  /** Whether the answer speaks of what was sent, rather than of who sends it, or where to. */
  readonly isOfContent: boolean

  constructor(status: number, isOfContent: boolean) {
    super(`it answered ${status}`)
    this.isOfContent = isOfContent
  }
}

/** Answers that speak of what was sent. A bucket says by 400 that a signature is wrong, or too old. */
const OF_CONTENT: Readonly<Record<AIExportFormat, ReadonlySet<number>>> = {
  json: new Set([400, 413, 415, 422]),
  otlp: new Set([400, 413, 415, 422]),
  s3: new Set([413]),
}
/** Of the answers from 400 to 499, those that are about the moment, or about who asks. */
const OF_THE_MOMENT: ReadonlySet<number> = new Set([401, 407, 408, 421, 425, 429])

/**
 * Sends ended interceptions in batches to where the settings say (AG-B23). The queue is in the database: a batch is in memory
 * at a time, and what was not taken is sent again, by whichever replica comes first. Each arrives at least once; what
 * arrives twice has the same `id`. Batches that are refused become smaller, down to one interception; what is refused alone
 * comes later, behind others, and is set aside after some refusals that are its own: those whose answer says so, or while
 * the destination takes others. It is tried again once the settings are saved.
 */
export class InterceptionExport implements AsyncDisposable {
  readonly #context: AppContext
  readonly #settings: () => GatewaySettings
  readonly #metrics: GatewayMetrics
  readonly #aws: AwsCredentials
  readonly #fetch: GuardedFetch
  readonly #stopping = new AbortController()
  /** Whether the destination has taken something since it last refused an interception. */
  #takes = false
  #setAside: SetAside = { count: 0, latest: [] }
  readonly #running: Promise<void>

  constructor(
    context: AppContext,
    settings: () => GatewaySettings,
    { metrics, aws }: { readonly metrics: GatewayMetrics; readonly aws: AwsCredentials },
  ) {
    this.#context = context
    this.#settings = settings
    this.#metrics = metrics
    this.#aws = aws
    this.#fetch = new GuardedFetch(context.config.aiGatewayWebhookAllowedPrivateCidrs)
    this.#running = sendBatches(
      {
        most: BATCH,
        send: async (limit) => {
          const { exportWebhookUrl } = this.#settings()
          if (exportWebhookUrl === '') return false
          this.#setAside = await setAsideExports(actor, context.database.db, NAMED)
          return this.#send(exportWebhookUrl, limit)
        },
        failed: (error, failures) =>
          context.log.error('interceptions could not be exported; they are sent again', {
            failures,
            error: describeError(error),
          }),
      },
      this.#stopping.signal,
    )
  }

  /** What the destination does not take, as this replica has seen it last. */
  setAside(): SetAside {
    return this.#setAside
  }

  /**
   * Sends the next batch; of one that is refused for what is in it each half by itself, down to what is refused alone.
   * Whether there may be more. @throws Error when some of it was not taken.
   */
  async #send(url: string, limit: number): Promise<boolean> {
    const claimed = await claimExports(actor, this.#context.database.db, { limit, seconds: CLAIM_SECONDS })
    const since = performance.now()
    let more = claimed.length === limit
    let left = claimed.length === 0 ? [] : [claimed]
    for (let requests = 1; left.length > 0; requests += 1) {
      const [part = [], ...others] = left
      left = others
      try {
        await this.#deliver(url, part)
      } catch (error) {
        const [only, ...further] = part
        const isRefused = error instanceof RefusedError
        if (isRefused && only !== undefined && further.length === 0) {
          more = true
          await this.#refused(only, error).catch((refusal: unknown) => this.#giveBack(left.flat(), refusal))
        } else if (isRefused && error.isOfContent) {
          const half = Math.ceil(part.length / 2)
          left = [part.slice(0, half), part.slice(half), ...left]
        } else await this.#giveBack([part, ...left].flat(), error)
        const isSearched = requests < MAX_REQUESTS && performance.now() - since < SEARCH_MS
        if (!isSearched && left.length > 0) await this.#giveBack(left.flat(), error)
      }
    }
    return more
  }

  /** Lets others send what was not taken. @throws the reason. */
  async #giveBack(rest: readonly ExportedInterception[], reason: unknown): Promise<never> {
    const ids = rest.map(({ id }) => id)
    // Without the database the claim ends by itself.
    await releaseExports(actor, this.#context.database.db, ids).catch(() => undefined)
    throw reason
  }

  /** Sends some interceptions together. @throws Error when they were not taken. */
  async #deliver(url: string, batch: readonly ExportedInterception[]): Promise<void> {
    const { clock, database, deploymentId } = this.#context
    const documents = batch.flatMap(({ document }) => (document === null ? [] : [document]))
    try {
      if (documents.length > 0) {
        const { exportFormat: format, exportWebhookSecret: secret } = this.#settings()
        const request = await exportRequest(
          { format, url, secret, documents, deploymentId, now: clock.now() },
          this.#aws,
        )
        const response = await this.#fetch.fetch({ timeoutMs: SEND_MS, maxBytes: MAX_ANSWER }, request.url, {
          method: request.method,
          body: request.body,
          headers: request.headers,
          signal: this.#stopping.signal,
        })
        await response.body?.cancel()
        if (!response.ok) throw refusalOf(response.status, format)
      }
    } catch (error) {
      this.#metrics.exported('failed', documents.length)
      throw error
    }
    const ids = batch.map(({ id }) => id)
    await completeExports(actor, database.db, ids)
    this.#metrics.exported('delivered', documents.length)
    this.#takes ||= documents.length > 0
  }

  /** Lets an interception wait that was refused alone. @throws RefusedError while nothing says that others are taken. */
  async #refused({ id }: ExportedInterception, refusal: RefusedError): Promise<void> {
    const counts = refusal.isOfContent || this.#takes
    this.#takes = false
    const { database, log } = this.#context
    if (await postponeExport(actor, database.db, { id, refusal: refusal.message, counts })) {
      this.#metrics.exported('set_aside', 1)
      log.error('an interception is exported no more, because its destination refuses it again and again', {
        interception_id: id,
        error: refusal.message,
        remedy: 'it is tried again once the settings of the AI gateway are saved',
      })
    }
    if (!counts) throw refusal
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#fetch[Symbol.dispose]()
  }
}

function refusalOf(status: number, format: AIExportFormat): Error {
  if (status < 400 || status > 499 || OF_THE_MOMENT.has(status)) return new Error(`it answered ${status}`)
  return new RefusedError(status, OF_CONTENT[format].has(status))
}
