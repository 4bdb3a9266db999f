import type { AIPrivacyLevel } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { readAtMost, type UpstreamAnswer, upstreamFailure } from '../answers/upstream.ts'
import type { InterceptTrace } from '../observation/intercept-trace.ts'
import type { LogFields } from '../observation/log-fields.ts'
import type { GatewayMetrics } from '../observation/metrics.ts'
import {
  CLIENT_LEFT,
  type Failure,
  failureOfError,
  failureOfEvent,
  failureOfStatus,
} from '../recording/categories.ts'
import { isPossible } from '../recording/ended-record.ts'
import {
  type Answerer,
  type EarlierAnswer,
  type InjectedCall,
  type ToolCall,
  UNANSWERED,
} from '../recording/ending.ts'
import type { Recorder } from '../recording/recorder.ts'
import type { Reservation } from '../spend/reservations.ts'
import type { NewInterception } from '../store/interceptions.ts'
import { NOTHING, type Observation, type Observer } from '../wires/observation.ts'
import type { Wire } from '../wires/wire.ts'
import { GatewayError } from './gateway-error.ts'

/** What is known of a request when its provider is asked. */
export interface CourseOf {
  readonly interception: NewInterception
  readonly providerType: string
  readonly prompt: string | undefined
  readonly method: string
  readonly route: string
  readonly wire: Wire
  readonly url: URL
  /** How much of it is kept (AG-B16). */
  readonly privacy: AIPrivacyLevel
  /** Whether it is over only when it is stored. */
  readonly isAwaited: boolean
  /** Undefined while there are no traces. */
  readonly trace?: InterceptTrace | undefined
  /** What is set aside for its cost. */
  readonly reservation: Reservation
  readonly signal: AbortSignal
  /** What lines of the log say of it, with the hint of the key that was used last. */
  readonly logFields: (hint: string | undefined) => LogFields
}

/** Longest error of a provider that is read, in bytes. */
const MAX_ERROR = 1024 * 1024

/** The course of one request from its record on; it ends once, whoever ends it. */
export class Course {
  readonly #of: CourseOf
  readonly #recorder: Recorder
  readonly #metrics: GatewayMetrics
  readonly #log: Logger
  readonly #inflight: Disposable
  readonly #began = performance.now()
  readonly #earlier: EarlierAnswer[] = []
  readonly #injected: InjectedCall[] = []
  #metadata: Readonly<Record<string, unknown>> | undefined
  #answerer: Answerer | undefined
  #hint: string | undefined
  #ended: Promise<void> | undefined

  constructor(
    of: CourseOf,
    {
      recorder,
      metrics,
      context: { log },
    }: {
      readonly recorder: Recorder
      readonly metrics: GatewayMetrics
      readonly context: { readonly log: Logger }
    },
  ) {
    this.#log = log
    this.#of = of
    this.#recorder = recorder
    this.#metrics = metrics
    this.#inflight = metrics.begun({
      provider: of.interception.providerName,
      model: of.interception.model,
      route: of.route,
    })
  }

  /** What lines of the log say of it (AG-122). */
  logFields(): LogFields {
    return this.#of.logFields(this.#hint)
  }

  /** Notes which credential was used last. */
  usedKey(hint: string): void {
    this.#hint = hint
  }

  /**
   * Notes that another provider than the one of the start answers, or by another name of the model (AG-B10); undefined
   * where it is that one.
   */
  answeredBy(answerer: Answerer | undefined): void {
    this.#answerer = answerer
  }

  #whoAnswers(): Answerer {
    const { interception, providerType } = this.#of
    const { providerName, model } = interception
    return this.#answerer ?? { providerName, providerType, model }
  }

  /** Notes something about how it goes; later members win. */
  note(metadata: Readonly<Record<string, unknown>>): void {
    this.#metadata = { ...this.#metadata, ...metadata }
  }

  /** Notes an answer after which the gateway goes on by itself (AG-74). */
  wentOn(observation: Observation): void {
    this.#earlier.push({ ...observation, answerer: this.#whoAnswers() })
  }

  /** Notes a tool that the gateway calls, which is recorded from now on; the result notes how that failed (AG-75). */
  calling(call: ToolCall): (error: string | undefined) => void {
    const place = this.#injected.push({ ...call, error: UNANSWERED }) - 1
    const over = this.#of.trace?.calling(call, this.#of.privacy)
    return (error) => {
      this.#injected[place] = { ...call, error }
      over?.(error)
    }
  }

  /** Records how it ended; resolves when that is stored where it is awaited, or after a few seconds. */
  end(failure: Failure | undefined, observation: Observation = NOTHING, incomplete = false): Promise<void> {
    this.#ended ??= this.#end(failure, observation, incomplete)
    return this.#ended
  }

  async #end(failure: Failure | undefined, observation: Observation, incomplete: boolean): Promise<void> {
    const { interception, prompt, method, route, privacy, reservation, trace, isAwaited } = this.#of
    const answerer = this.#whoAnswers()
    this.#inflight[Symbol.dispose]()
    this.#metrics.finished({
      provider: answerer.providerName,
      model: answerer.model,
      route,
      method,
      initiatorId: interception.initiatorId,
      client: interception.client,
      failed: failure !== undefined,
      seconds: (performance.now() - this.#began) / 1_000,
    })
    await this.#recorder.end(
      {
        interception,
        answerer,
        prompt,
        observation,
        earlier: this.#earlier,
        injected: this.#injected,
        credentialHint: this.#hint,
        metadata: this.#metadata,
        failure,
        incomplete,
        privacy,
        isAwaited,
      },
      trace,
    )
    trace?.end()
    // What is charged gives it back itself, however late that is.
    const used = [...this.#earlier, observation].flatMap(({ usage }) => usage ?? [])
    if (!used.some(isPossible)) await reservation.release()
  }

  /** As {@link end} for an answer that is complete: where nobody waits for its record, that comes behind its last bytes. */
  async #endBehind(
    failure: Failure | undefined,
    observation: Observation,
    incomplete: boolean,
  ): Promise<void> {
    if (this.#recorder.isWaitedFor(this.#of)) return this.end(failure, observation, incomplete)
    setImmediate(() => {
      this.end(failure, observation, incomplete).catch((error: unknown) =>
        this.#log.error('what a request to a model has left could not be recorded', {
          ...this.logFields(),
          error: describeError(error),
        }),
      )
    })
  }

  /** Reads an error of the provider and ends with it. */
  async refused(answer: UpstreamAnswer): Promise<AsyncIterable<Uint8Array>> {
    const body = await readAtMost(answer, MAX_ERROR)
    await this.end(failureOfStatus(answer.status, body.toString('utf8'), this.#of.wire))
    return (async function* () {
      yield body
    })()
  }

  /** The body of an answer as it comes; what reads along never keeps it waiting. */
  relay(answer: UpstreamAnswer, observer: Observer): AsyncIterable<Uint8Array> {
    const source = answer.body[Symbol.asyncIterator]()
    const { signal, url, interception } = this.#of
    const { id: interceptionId } = interception
    let passed: Uint8Array | undefined
    const seen = (): Observation => {
      if (passed !== undefined) observer.push(passed)
      passed = undefined
      return observer.observation()
    }
    // Whoever has left may not come back for the rest; where nothing was left to come, they have had all of it.
    const leave = (): Promise<void> => {
      answer.body.destroy()
      const observation = seen()
      const { error, complete, usage } = observation
      if (error !== undefined) return this.end(failureOfEvent(error), observation, !complete)
      const isWhole = complete && usage !== undefined
      return this.end(isWhole ? undefined : CLIENT_LEFT, observation, !isWhole)
    }
    const onAbort = (): void => void leave()
    const settle = (): void => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    const iterator: AsyncIterator<Uint8Array> = {
      next: async () => {
        // The reader has the last piece by now.
        if (passed !== undefined) observer.push(passed)
        passed = undefined
        try {
          const { value, done } = await source.next()
          if (done !== true) {
            passed = value
            return { value, done: false }
          }
        } catch (error) {
          settle()
          if (signal.aborted) throw signal.reason
          const failure = error instanceof GatewayError ? error : disconnected(error, url)
          await this.end(failureOfError(failure), seen(), true)
          throw failure.with({ interceptionId })
        }
        settle()
        const observation = seen()
        const { error, complete } = observation
        if (this.#isCut(observation)) {
          const failure = disconnected(undefined, url)
          await this.end(failureOfError(failure), observation, true)
          throw failure.with({ interceptionId })
        }
        await this.#endBehind(error === undefined ? undefined : failureOfEvent(error), observation, !complete)
        return { value: undefined, done: true }
      },
      return: async () => {
        settle()
        await leave()
        return { value: undefined, done: true }
      },
    }
    return { [Symbol.asyncIterator]: () => iterator }
  }

  /**
   * Whether a stream that has begun as its API has it just stops, as one does that ends with its connection
   * (chapter 05 section 6.8). What looks like nothing that is known is not judged.
   */
  #isCut({ responseId, complete, error }: Observation): boolean {
    const { wire } = this.#of
    return (
      (wire === 'chat' || wire === 'responses' || wire === 'messages') &&
      responseId !== '' &&
      !complete &&
      error === undefined
    )
  }
}

/** What a reader is told when the provider goes away in the middle of its answer (AG-B3). */
function disconnected(error: unknown, url: URL): GatewayError {
  const failure = upstreamFailure(error, url)
  if (failure.code === 'timeout') return failure
  return new GatewayError(502, 'upstream_disconnected', `${url.host} ended the answer in the middle`, {
    cause: error,
  })
}
