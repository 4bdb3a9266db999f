import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import type { AgentConnectionReport } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { backOffMs } from './back-off.ts'
import { type ControlPlane, ControlPlaneError } from './control-plane.ts'

/** Reports that wait for the control plane; later ones are dropped (AC §3.5). */
const MAX_QUEUED = 2_048
/** Reports of one request. */
const BATCH = 256

/** How somebody works in the workspace. */
export type SessionType = AgentConnectionReport['type']

/** Tells that a session is over, once; later calls say nothing. */
export type EndSession = (outcome?: { readonly exitCode?: number; readonly reason?: string }) => void

/** What sessions tell of their beginning. */
export interface SessionReports {
  readonly begin: (type: SessionType) => EndSession
}

/** Tells the control plane which sessions begin and end in the workspace, for its connection log (AC-81). */
export class ConnectionReports implements SessionReports, AsyncDisposable {
  readonly #controlPlane: Pick<ControlPlane, 'connections'>
  readonly #log: Logger
  readonly #closing = new AbortController()
  #queue: AgentConnectionReport[] = []
  #sending: Promise<void> | undefined

  constructor(controlPlane: Pick<ControlPlane, 'connections'>, log: Logger) {
    this.#controlPlane = controlPlane
    this.#log = log
  }

  /** Notes that a session begins. @returns what notes its end. */
  begin(type: SessionType): EndSession {
    const id = randomUUID()
    const add = (report: Pick<AgentConnectionReport, 'action' | 'exit_code' | 'reason'>): void =>
      this.#add({ id, type, time: new Date().toISOString(), ...report })
    add({ action: 'connect' })
    let over = false
    return ({ exitCode, reason } = {}) => {
      if (over) return
      over = true
      add({
        action: 'disconnect',
        ...(exitCode === undefined ? {} : { exit_code: exitCode }),
        ...(reason === undefined ? {} : { reason }),
      })
    }
  }

  #add(report: AgentConnectionReport): void {
    if (this.#queue.length >= MAX_QUEUED) {
      this.#log.warn('a session is not reported: too many reports wait for the control plane')
      return
    }
    this.#queue.push(report)
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  async #send(): Promise<void> {
    // What happens at once goes in one request.
    await Promise.resolve()
    for (let failures = 0; this.#queue.length > 0; ) {
      const batch = this.#queue.slice(0, BATCH)
      try {
        await this.#controlPlane.connections({ connections: batch })
        failures = 0
      } catch (error) {
        failures += 1
        const refused = error instanceof ControlPlaneError && error.status === 400
        this.#log.debug('sessions could not be reported', { failures, error: describeError(error) })
        if (this.#closing.signal.aborted) return
        if (!refused) {
          await delay(backOffMs(failures), undefined, { signal: this.#closing.signal }).catch(() => undefined)
          continue
        }
      }
      this.#queue.splice(0, batch.length)
    }
  }

  /** Sends what is left, with one try. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#sending
  }
}
