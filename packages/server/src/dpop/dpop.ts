import { createHash } from 'node:crypto'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { Nonces } from './nonces.ts'
import { deleteOldProofs, useProof } from './store.ts'
import { checkProof, ProofError, type ProofRequest } from './verify-proof.ts'

const CLEAN_EVERY_MS = 60_000
/** Rows of one statement. */
const BATCH = 5_000

const actor = systemActor('system_oauth', 'a proof is good once, whoever shows it')

/** What of the rest of the server proofs need. */
export type DpopContext = Pick<AppContext, 'database' | 'clock' | 'log' | 'secrets' | 'accessUrl'>

/** A proof as it came with a request. */
export interface ShownProof extends Omit<ProofRequest, 'url'> {
  /** Path of the request; the host and what is before it is the deployment's own. */
  readonly path: string
}

/** What a proof is worth. `nonce` is for the header `DPoP-Nonce` of the answer, whatever that is (RFC 9449 section 8). */
export type ProofOutcome =
  | { readonly ok: true; readonly thumbprint: string; readonly nonce: string }
  | {
      readonly ok: false
      readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce'
      readonly description: string
      readonly nonce: string
    }

/** Proofs that who sends a request holds a key (RFC 9449): what they are for, how new they are, and that each is used once. */
export class Dpop implements AsyncDisposable {
  readonly #context: DpopContext
  readonly #nonces: Nonces
  readonly #timer: NodeJS.Timeout
  #cleaning: Promise<void>

  constructor(context: DpopContext) {
    this.#context = context
    this.#nonces = new Nonces(context.secrets.relayKey, () => context.clock.now().getTime())
    this.#cleaning = this.#clean()
    this.#timer = setInterval(() => {
      this.#cleaning = this.#cleaning.then(() => this.#clean())
    }, CLEAN_EVERY_MS).unref()
  }

  /** The nonce that the next proof has to hold. */
  nonce(): string {
    return this.#nonces.current()
  }

  /**
   * Checks a proof in full and notes it as used (RFC 9449 section 4.3): type, algorithm and key, `htm`, `htu` against the
   * access URL, `iat`, `ath` with a token, nonce, and `jti` over all replicas.
   *
   * @throws when the database fails.
   */
  async verifyProof(shown: ShownProof): Promise<ProofOutcome> {
    const { clock, database, accessUrl } = this.#context
    try {
      const url = `${accessUrl().replace(/\/+$/, '')}${shown.path}`
      const proof = await checkProof({ ...shown, url }, clock.now())
      if (proof.nonce === undefined || !this.#nonces.accepts(proof.nonce))
        return this.#refused('use_dpop_nonce', 'Make a DPoP proof with the nonce of the header DPoP-Nonce.')
      const hash = createHash('sha256').update(`${proof.thumbprint} ${proof.id}`).digest()
      const fresh = await useProof(actor, database.db, { hash, expiresAt: new Date(proof.expiresAt) })
      return fresh
        ? { ok: true, thumbprint: proof.thumbprint, nonce: this.nonce() }
        : this.#refused('invalid_dpop_proof', 'The DPoP proof was used before (jti).')
    } catch (error) {
      if (error instanceof ProofError) return this.#refused('invalid_dpop_proof', error.message)
      throw error
    }
  }

  #refused(error: 'invalid_dpop_proof' | 'use_dpop_nonce', description: string): ProofOutcome {
    return { ok: false, error, description, nonce: this.nonce() }
  }

  async #clean(): Promise<void> {
    const { database, clock, log } = this.#context
    try {
      let deleted = BATCH
      while (deleted === BATCH) deleted = await deleteOldProofs(actor, database.db, clock.now(), BATCH)
    } catch (error) {
      log.warn('proofs that have expired could not be deleted', { error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#cleaning
  }
}
