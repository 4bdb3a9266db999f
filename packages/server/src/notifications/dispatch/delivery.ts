import type { Payload } from '../payload.ts'

/** A message as it goes out. */
export interface Delivery {
  /** The same at every attempt, so that a receiver knows one that it has already. */
  readonly id: string
  readonly payload: Payload
  readonly targets: readonly string[]
  readonly createdAt: Date
  readonly title: string
  readonly titleMarkdown: string
  readonly body: string
  readonly bodyMarkdown: string
}

/** A way out. */
export interface Dispatcher {
  /** @throws UndeliverableError where trying again changes nothing; every other error may pass. */
  send(delivery: Delivery, signal: AbortSignal): Promise<void>
}

/** Trying again would change nothing. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError'
}
