import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** How long a nonce is the newest one. */
const STEP_MS = 60_000
const NONCE_BYTES = 18

/**
 * Nonces that say when a proof was made (RFC 9449 section 8). They follow from the time and from a key that all replicas
 * have, so that none is stored and each replica knows those of the others. Good for one to two minutes.
 */
export class Nonces {
  readonly #key: Uint8Array
  readonly #now: () => number
  #latest: { readonly step: number; readonly nonce: string } | undefined

  /** @param secret what all replicas share. @param now Unix time in milliseconds. */
  constructor(secret: Uint8Array, now: () => number) {
    this.#key = new Uint8Array(hkdfSync('sha256', secret, '', 'dpop_nonces', 32))
    this.#now = now
  }

  /** The nonce to give out now. */
  current(): string {
    const step = this.#step()
    if (this.#latest?.step !== step) this.#latest = { step, nonce: this.#nonceOf(step).toString('base64url') }
    return this.#latest.nonce
  }

  /** Whether this is the newest nonce or the one before; or the next, of a replica whose clock is ahead. */
  accepts(nonce: string): boolean {
    const given = Buffer.from(nonce, 'base64url')
    if (given.length !== NONCE_BYTES) return false
    const step = this.#step()
    return [step, step - 1, step + 1].some((one) => timingSafeEqual(this.#nonceOf(one), given))
  }

  #step(): number {
    return Math.floor(this.#now() / STEP_MS)
  }

  #nonceOf(step: number): Buffer {
    return createHmac('sha256', this.#key).update(String(step)).digest().subarray(0, NONCE_BYTES)
  }
}
