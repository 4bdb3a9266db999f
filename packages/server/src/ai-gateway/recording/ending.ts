import type { AIPrivacyLevel } from '@slipway/contract'
import type { NewInterception } from '../store/interceptions.ts'
import type { Observation } from '../wires/observation.ts'
import type { Failure } from './categories.ts'

/** A tool that the gateway calls for the model. */
export interface ToolCall {
  readonly tool: string
  /** The provider's id of the answer in which the model has chosen it. */
  readonly responseId: string
  /** What the model calls it by; undefined where it has given none. */
  readonly callId: string | undefined
  readonly itemId: string
  /** JSON. */
  readonly input: string
  /** What the server is called in the configuration. */
  readonly serverName: string
  readonly serverUrl: string
}

/** A call that the gateway has made (AG-75). */
export interface InjectedCall extends ToolCall {
  /** How it failed; undefined when it went well. */
  readonly error: string | undefined
}

/** What is recorded of a tool that is still at work when its request ends. */
export const UNANSWERED = 'the request ended before the tool had answered'

/** The provider and the model that have answered. */
export interface Answerer {
  readonly providerName: string
  /** Type of the provider, by which prices are known. */
  readonly providerType: string
  readonly model: string
}

/** An answer after which the gateway has called tools, and who gave it: the next may come from another provider. */
export interface EarlierAnswer extends Observation {
  readonly answerer: Answerer
}

/** All that is known of a request when it has ended. */
export interface Ending {
  readonly interception: NewInterception
  readonly answerer: Answerer
  readonly prompt: string | undefined
  readonly observation: Observation
  /** Answers before that one, after which the gateway has called tools. */
  readonly earlier: readonly EarlierAnswer[]
  readonly injected: readonly InjectedCall[]
  /** Of the key that answered; undefined when that of the start stays. */
  readonly credentialHint: string | undefined
  /** Joined to what was noted at the start; undefined for nothing. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined
  readonly failure: Failure | undefined
  /** Whether the answer was cut off, so that counts are only the last that are known. */
  readonly incomplete: boolean
  /** How much of it is kept (AG-B16). */
  readonly privacy: AIPrivacyLevel
  /** Whether the request is over only when it is stored: what its user may still spend hangs on it. */
  readonly isAwaited: boolean
}
