import { createHash } from 'node:crypto'

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/value'

import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { claimKey, type KeptAnswer, keepAnswer, keptAnswer, type RequestKey } from './store.ts'

const HEADER = 'idempotency-key'
const MAX_LENGTH = 256
/** Of a request that cannot be repeated. */
const UNHASHED = Buffer.alloc(0)

/** The request that a client may send again with the same key, for the same answer (B-13, WS-311). */
export class RepeatableRequest<Answer extends TSchema> {
  readonly #schema: Answer
  readonly #actor: Actor
  readonly #request: RequestKey | undefined
  readonly #hash: Buffer
  readonly #reply: FastifyReply

  /**
   * @param what is done to what: what has to be allowed, and a name that is different for each such object.
   * @throws ApiError 400 for a key that is too long.
   */
  constructor(
    incoming: {
      readonly actor: Actor
      readonly raw: FastifyRequest
      readonly reply: FastifyReply
      readonly body: unknown
    },
    what: Pick<RequestKey, 'guard' | 'operation'>,
    schema: Answer,
  ) {
    const given = incoming.raw.headers[HEADER]
    const key = typeof given === 'string' ? given : undefined
    if (key !== undefined && (key === '' || key.length > MAX_LENGTH))
      throw badRequest('Invalid Idempotency-Key.', { detail: `It must have 1 to ${MAX_LENGTH} characters.` })
    this.#actor = incoming.actor
    this.#reply = incoming.reply
    this.#schema = schema
    this.#request = key === undefined ? undefined : { ...what, key }
    this.#hash =
      key === undefined ? UNHASHED : createHash('sha256').update(JSON.stringify(incoming.body)).digest()
  }

  /** What was answered before; undefined for a new request. @throws ApiError 422 when it was another request. */
  async answered(db: Db): Promise<Static<Answer> | undefined> {
    return this.#request === undefined
      ? undefined
      : this.#repeated(await keptAnswer(this.#actor, db, this.#request))
  }

  /** Runs the work of a new request once, in its transaction. @throws what `work` throws, ApiError 422. */
  async once(tx: Db, work: () => Promise<Static<Answer>>): Promise<Static<Answer>> {
    if (this.#request === undefined) return work()
    const before = this.#repeated(await claimKey(this.#actor, tx, this.#request))
    if (before !== undefined) return before
    const response = await work()
    await keepAnswer(this.#actor, tx, this.#request, { request_hash: this.#hash, response })
    return response
  }

  #repeated(kept: KeptAnswer | undefined): Static<Answer> | undefined {
    if (kept === undefined) return undefined
    if (!kept.request_hash.equals(this.#hash))
      throw new ApiError(422, 'The Idempotency-Key was used for another request.', {
        detail: 'Take a new key for each request, and the same one only to send a request again.',
      })
    // An answer of another version of the server that this one cannot vouch for.
    if (!Check(this.#schema, kept.response)) throw new Error('a kept answer has another shape')
    this.#reply.header('Idempotency-Replayed', 'true')
    return kept.response
  }
}
