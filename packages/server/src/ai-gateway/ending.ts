import type { Failure } from './categories.ts'
import type { NewInterception } from './store/interceptions.ts'
import type { Observation } from './wires/observation.ts'

/** All that is known of a request when it has ended. */
export interface Ending {
  readonly interception: NewInterception
  /** Type of the provider, by which prices are known. */
  readonly providerType: string
  readonly prompt: string | undefined
  readonly observation: Observation
  /** Of the key that answered; undefined when that of the start stays. */
  readonly credentialHint: string | undefined
  readonly failure: Failure | undefined
  /** Whether the answer was cut off, so that counts are only the last that are known. */
  readonly incomplete: boolean
}
