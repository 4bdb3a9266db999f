import type { AgentLifecycleReport } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { type ControlPlane, ControlPlaneError, untilSuccess } from './control-plane.ts'

/** Reports the states of the agent, every one and in order (AC-30). */
export class Lifecycle {
  readonly #controlPlane: ControlPlane
  readonly #log: Logger
  readonly #signal: AbortSignal
  #last: Promise<void> = Promise.resolve()

  /** @param signal ends the attempts to deliver a report. */
  constructor(controlPlane: ControlPlane, log: Logger, signal: AbortSignal) {
    this.#controlPlane = controlPlane
    this.#log = log
    this.#signal = signal
  }

  /** Queues a state; resolves when it was delivered, or when there is no more point in trying. */
  report(state: AgentLifecycleReport['state']): Promise<void> {
    const changedAt = new Date().toISOString()
    this.#last = this.#last.then(async () => {
      try {
        await untilSuccess(() => this.#deliver({ state, changed_at: changedAt }), {
          signal: this.#signal,
          onFailure: (error) =>
            this.#log.debug('a state could not be reported yet', { state, error: describeError(error) }),
        })
      } catch (error) {
        this.#log.warn('a state was not reported', { state, error: describeError(error) })
      }
    })
    return this.#last
  }

  async #deliver(report: AgentLifecycleReport): Promise<void> {
    try {
      await this.#controlPlane.lifecycle(report)
    } catch (error) {
      // Trouble of the control plane is 5xx (AC-6): after a 401 this agent is nobody any more, and its end need not wait.
      if (!(error instanceof ControlPlaneError && error.status === 401)) throw error
      this.#log.info('a state is not wanted any more', { state: report.state })
    }
  }
}
