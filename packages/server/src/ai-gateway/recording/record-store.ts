import { describeError } from '@slipway/request-log'
import { systemActor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import { isDatabaseFault } from '../../errors/index.ts'
import type { GatewayMetrics } from '../observation/metrics.ts'
import type { Charged, Spending } from '../spend/spending.ts'
import {
  endInterception,
  type InterceptionEnd,
  insertEnded,
  insertInterception,
  type NewInterception,
} from '../store/interceptions.ts'
import { insertPassthrough, type NewPassthrough } from '../store/passthroughs.ts'
import {
  forgetTokens,
  insertPrompts,
  insertThoughts,
  insertTools,
  type PromptRecord,
  type ThoughtRecord,
  type ToolRecord,
} from '../store/records.ts'
import type { EndedRecord, PassedRecord, StoredRecord } from './stored-record.ts'

const actor = systemActor('aibridged', 'what models are asked is recorded whoever asks')

/** What records are stored with. */
export interface RecordStoreParts {
  readonly context: AppContext
  readonly metrics: GatewayMetrics
  readonly spending: Spending
  /** Hears that the database refuses to know of a request. */
  readonly beginningRefused: () => void
}

/** The rows of a request that has ended. */
interface Rows {
  readonly interception: NewInterception
  readonly end: InterceptionEnd
  readonly charges: readonly Parameters<Spending['charge']>[0][]
  readonly prompts: readonly PromptRecord[]
  readonly tools: readonly ToolRecord[]
  readonly thoughts: readonly ThoughtRecord[]
}

/** Puts records of the gateway into the database, each once, however often that is tried. */
export class RecordStore {
  readonly #parts: RecordStoreParts

  constructor(parts: RecordStoreParts) {
    this.#parts = parts
  }

  /** Stores that a request has begun. @throws Error when it cannot be stored. */
  async begin(interception: NewInterception): Promise<void> {
    await insertInterception(actor, this.#parts.context.database.db, interception)
  }

  /**
   * Stores records, of which none goes on with another (AG-80), all or nothing.
   *
   * @throws Error when one of them cannot be stored.
   */
  async storeTogether(records: readonly StoredRecord[]): Promise<void> {
    const { context, spending } = this.#parts
    const ended = records.filter((record) => record.kind === 'interception').map(rowsOf)
    const passed = records.filter((record) => record.kind === 'passthrough')
    const charges = ended.flatMap((rows) => rows.charges.map((charge) => ({ charge, of: rows.interception })))
    const charged = await context.database.transaction(async (tx) => {
      const charging = Promise.all(charges.map(({ charge }) => spending.charge(charge, tx)))
      // All of them are over before the transaction is: what is sent behind its end is stored by itself.
      const outcomes = await Promise.allSettled([
        charging,
        insertEnded(actor, tx, ended),
        ...partsOf(
          tx,
          ended.flatMap(({ prompts }) => prompts),
          ended.flatMap(({ tools }) => tools),
          ended.flatMap(({ thoughts }) => thoughts),
        ),
        ...passed.map((record) => insertPassthrough(actor, tx, passthroughOf(record))),
      ])
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      return charging
    })
    for (const [index, { charge, of }] of charges.entries()) this.#told(charged[index], of, charge)
  }

  /** Stores a record; what the database refuses of it is lost alone. @throws Error while the database is away. */
  async store(record: StoredRecord): Promise<void> {
    const { database } = this.#parts.context
    switch (record.kind) {
      case 'interception':
        return this.#storeEnded(record, rowsOf(record))
      case 'passthrough':
        await this.#attempt('passthrough', record.id, () =>
          insertPassthrough(actor, database.db, passthroughOf(record)),
        )
    }
  }

  async #storeEnded({ begun }: EndedRecord, rows: Rows): Promise<void> {
    const { db } = this.#parts.context.database
    const { interception, end, charges, prompts, tools, thoughts } = rows
    const { id } = interception
    if (!begun && !(await this.#attempt('begin', id, () => insertInterception(actor, db, interception)))) {
      this.#parts.beginningRefused()
      // It is charged all the same; beside that nothing must stay that nobody can find, not even to delete it.
      await Promise.all(charges.map((charge) => this.#charge(interception, charge)))
      if (charges.length > 0)
        await this.#attempt('token usage', id, () =>
          forgetTokens(actor, db, { interceptionId: id, initiatorId: interception.initiatorId }),
        )
      return
    }
    const [storedPrompts, storedTools, storedThoughts] = partsOf(db, prompts, tools, thoughts)
    // Each is tried: what one is refused for is no other's fault.
    const outcomes = await Promise.allSettled([
      ...charges.map((charge) => this.#charge(interception, charge)),
      this.#attempt('prompt', id, () => storedPrompts),
      this.#attempt('tool usage', id, () => storedTools),
      this.#attempt('model thought', id, () => storedThoughts),
    ])
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    // Readers see a request once it has ended: all that belongs to it is there then.
    await this.#attempt('end', id, () => endInterception(actor, db, end))
  }

  async #charge(interception: NewInterception, charge: Rows['charges'][number]): Promise<void> {
    await this.#attempt('token usage', interception.id, async () =>
      this.#told(await this.#parts.spending.charge(charge), interception, charge),
    )
  }

  #told(
    charged: Charged | undefined,
    { providerName }: NewInterception,
    charge: Rows['charges'][number],
  ): void {
    if (charged === undefined) return
    charged.tell()
    if (charged.priced) this.#parts.metrics.priced(charge)
    else this.#parts.metrics.unpriced(providerName, charge)
  }

  /** Does a part of the work; false where it was refused and is lost. @throws Error while the database is away. */
  async #attempt(what: string, id: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (isDatabaseFault(error)) throw error
      this.refused(what, id, error)
      return false
    }
  }

  /** Counts and tells of a part of a record that is lost. */
  refused(what: string, id: string, error: unknown): void {
    this.#parts.metrics.recordsLost('refused', 1)
    this.#parts.context.log.error('a record of the AI gateway could not be stored', {
      record: what,
      interception_id: id,
      error: describeError(error),
    })
  }
}

function partsOf(
  db: Db,
  prompts: readonly PromptRecord[],
  tools: readonly ToolRecord[],
  thoughts: readonly ThoughtRecord[],
): readonly [Promise<void>, Promise<void>, Promise<void>] {
  return [
    insertPrompts(actor, db, prompts),
    insertTools(actor, db, tools),
    insertThoughts(actor, db, thoughts),
  ]
}

function rowsOf({ interception, end, tokens, prompts, tools, thoughts }: EndedRecord): Rows {
  const { id, initiatorId, apiKeyId } = interception
  const endedAt = new Date(end.at)
  const of = { interceptionId: id, initiatorId, createdAt: endedAt }
  return {
    interception: {
      ...interception,
      apiKeyId,
      clientSessionId: interception.clientSessionId,
      toolCallId: interception.toolCallId,
      startedAt: new Date(interception.startedAt),
    },
    end: {
      id,
      initiatorId,
      endedAt,
      credentialHint: end.credentialHint,
      providerName: end.providerName,
      model: end.model,
      metadata: end.metadata,
      queued: end.queued,
      error: end.error,
    },
    charges: tokens.map((usage) => ({ ...of, ...usage, apiKeyId })),
    prompts: prompts.map((prompt) => ({ ...of, ...prompt })),
    tools: tools.map(({ injected, ...tool }) => ({
      ...of,
      ...tool,
      callId: tool.callId,
      injected: injected && { ...injected, error: injected.error },
    })),
    thoughts: thoughts.map((thought) => ({ ...of, ...thought })),
  }
}

function passthroughOf(record: PassedRecord): NewPassthrough {
  return { ...record, status: record.status ?? null, startedAt: new Date(record.startedAt) }
}
