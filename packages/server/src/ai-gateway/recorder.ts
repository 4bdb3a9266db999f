import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Ending } from './ending.ts'
import type { GatewayMetrics } from './metrics.ts'
import { endInterception, insertInterception, type NewInterception } from './store/interceptions.ts'
import { insertPrompts, insertThoughts, insertTokens, insertTools } from './store/records.ts'
import { storable } from './wires/json.ts'
import type { TokenUsage } from './wires/observation.ts'

const actor = systemActor('aibridged', 'what models are asked is recorded whoever asks')

/** How long a request waits for its records at most, in milliseconds (AG-78). */
const WAIT_MS = 5_000
const FAREWELL_MS = 10_000
/** Characters of records that wait to be written; what comes beyond them is lost. */
const MAX_WAITING = 64 * 1024 * 1024
const MAX_TOKENS = 1_000_000_000_000
const MAX_ID = 256

/**
 * Writes what the gateway records. The beginning of a request must be stored before its provider is asked; all else is
 * stored when it has ended, together with what other requests have, and a record that cannot be stored is lost alone
 * (AG-78).
 */
export class Recorder implements AsyncDisposable {
  readonly #context: AppContext
  readonly #metrics: GatewayMetrics
  readonly #pending = new Set<Promise<void>>()
  #waiting = 0

  constructor(context: AppContext, metrics: GatewayMetrics) {
    this.#context = context
    this.#metrics = metrics
  }

  /** Stores that a request has begun. @throws Error when it cannot be; then the provider must not be asked. */
  async begin(interception: NewInterception): Promise<void> {
    await insertInterception(actor, this.#context.database.db, interception)
  }

  /** Stores how a request has ended; resolves when that is done, or after five seconds. Never throws. */
  async end(ending: Ending): Promise<void> {
    const size = sizeOf(ending)
    if (this.#waiting + size > MAX_WAITING) {
      this.#lost('everything', ending, new Error('too many records wait to be written'))
      return
    }
    this.#waiting += size
    const written = this.#write(ending).finally(() => {
      this.#waiting -= size
      this.#pending.delete(written)
    })
    this.#pending.add(written)
    await atMost(WAIT_MS, written)
  }

  async #write(ending: Ending): Promise<void> {
    const { interception, observation, prompt } = ending
    const { db } = this.#context.database
    const of = {
      interceptionId: interception.id,
      initiatorId: interception.initiatorId,
      responseId: storable(observation.responseId, MAX_ID),
      createdAt: this.#context.clock.now(),
    }
    const prompts = prompt === undefined ? [] : [{ ...of, id: randomUUID(), prompt: storable(prompt) }]
    const tools = observation.tools.map((tool) => ({
      ...of,
      id: randomUUID(),
      tool: storable(tool.tool, MAX_ID),
      callId: tool.callId === undefined ? undefined : storable(tool.callId, MAX_ID),
      itemId: storable(tool.itemId, MAX_ID),
      input: storable(tool.input),
    }))
    const thoughts = observation.thoughts.map(({ content, source }) => ({
      ...of,
      content: storable(content),
      source,
    }))
    await Promise.all([
      this.#attempt('token usage', ending, () => this.#tokens(ending, of)),
      this.#attempt('prompt', ending, () => insertPrompts(actor, db, prompts)),
      this.#attempt('tool usage', ending, () => insertTools(actor, db, tools)),
      this.#attempt('model thought', ending, () => insertThoughts(actor, db, thoughts)),
    ])
    // Readers see a request once it has ended: all that belongs to it is there then.
    await this.#attempt('end', ending, () =>
      endInterception(actor, db, {
        id: interception.id,
        initiatorId: interception.initiatorId,
        endedAt: this.#context.clock.now(),
        credentialHint: ending.credentialHint,
        error: ending.failure,
      }),
    )
    this.#metrics.ended(ending)
  }

  async #tokens(
    ending: Ending,
    of: {
      readonly interceptionId: string
      readonly initiatorId: string
      readonly responseId: string
      readonly createdAt: Date
    },
  ): Promise<void> {
    const { usage } = ending.observation
    if (usage === undefined) return
    if (!isPossible(usage)) throw new Error('the provider counts tokens that cannot be')
    const { priced } = await insertTokens(actor, this.#context.database.db, {
      ...of,
      id: randomUUID(),
      input: usage.input,
      output: usage.output,
      cacheRead: usage.cacheRead,
      cacheWrite: usage.cacheWrite,
      metadata: { ...usage.extras, ...(ending.incomplete ? { incomplete: true } : {}) },
      providerType: ending.providerType,
      model: ending.interception.model,
    })
    if (!priced) this.#metrics.unpriced(ending)
  }

  async #attempt(what: string, ending: Ending, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#lost(what, ending, error)
    }
  }

  #lost(what: string, { interception }: Ending, error: unknown): void {
    this.#context.log.error('a record of the AI gateway could not be stored', {
      record: what,
      interception_id: interception.id,
      error: describeError(error),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await atMost(FAREWELL_MS, Promise.all(this.#pending))
  }
}

/** AG-84. */
function isPossible({ input, output, cacheRead, cacheWrite }: TokenUsage): boolean {
  return [input, output, cacheRead, cacheWrite].every(
    (count) => Number.isSafeInteger(count) && count >= 0 && count <= MAX_TOKENS,
  )
}

function sizeOf({ prompt = '', observation }: Ending): number {
  const texts = [
    prompt,
    ...observation.tools.map(({ input }) => input),
    ...observation.thoughts.map(({ content }) => content),
  ]
  return texts.reduce((sum, text) => sum + text.length, 1024)
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  await Promise.race([work, delay(ms, undefined, { signal: late.signal }).catch(() => undefined)])
  late.abort()
}
