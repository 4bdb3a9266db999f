import { describeError } from '@slipway/request-log'
import type { GatewaySettings } from '../../ai-governance/index.ts'
import { sendBatches } from '../../audit-forwarding/index.ts'
import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { GuardedFetch } from '../../outbound/index.ts'
import type { AwsCredentials } from '../bedrock/aws-credentials.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { claimExports, completeExports, releaseExports } from '../store/exports.ts'
import { exportRequest } from './export-request.ts'

const actor = systemActor('aibridged', 'what models are asked is exported whoever asks')

/** For a batch to be taken, in milliseconds; shorter than it is claimed. */
const SEND_MS = 15_000
const CLAIM_SECONDS = 60
const BATCH = 50
const MAX_ANSWER = 64 * 1024

/**
 * Sends ended interceptions in batches to where the settings say (AG-B23). The queue is in the database: a batch is in memory
 * at a time, and what was not taken is sent again, by whichever replica comes first. Each arrives at least once; what
 * arrives twice has the same `id`.
 */
export class InterceptionExport implements AsyncDisposable {
  readonly #context: AppContext
  readonly #settings: () => GatewaySettings
  readonly #metrics: GatewayMetrics
  readonly #aws: AwsCredentials
  readonly #fetch: GuardedFetch
  readonly #stopping = new AbortController()
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
          return exportWebhookUrl !== '' && (await this.#send(exportWebhookUrl, limit)) === limit
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

  /** Sends the next batch. How many were in it. @throws Error when it was not taken. */
  async #send(url: string, limit: number): Promise<number> {
    const { clock, database, deploymentId } = this.#context
    const claimed = await claimExports(actor, database.db, { limit, seconds: CLAIM_SECONDS })
    if (claimed.length === 0) return 0
    const ids = claimed.map(({ id }) => id)
    const documents = claimed.flatMap(({ document }) => (document === null ? [] : [document]))
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
        if (!response.ok) throw new Error(`it answered ${response.status}`)
      }
    } catch (error) {
      this.#metrics.exported('failed', documents.length)
      // Without the database the claim ends by itself.
      await releaseExports(actor, database.db, ids).catch(() => undefined)
      throw error
    }
    await completeExports(actor, database.db, ids)
    this.#metrics.exported('delivered', documents.length)
    return claimed.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#running
    this.#fetch[Symbol.dispose]()
  }
}
