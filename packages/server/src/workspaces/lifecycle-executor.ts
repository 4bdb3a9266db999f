import { Histogram } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { changeWorkspace } from './change-workspace.ts'
import { dueChange } from './lifecycle.ts'
import { remindOfAutostop } from './remind-of-autostop.ts'
import { listTimedWorkspaces } from './store/workspaces.ts'

const actor = systemActor('autostart', 'workspaces start and stop when their time has come')
const AT_ONCE = 10
const BY_TIME = 'a workspace changes because its time has come'

/**
 * Starts, stops, puts to rest and deletes workspaces when their time has come (WS §12.2), on every replica; a
 * lock for each workspace keeps two of them from doing the same.
 */
export class LifecycleExecutor implements AsyncDisposable {
  readonly #context: AppContext
  readonly #timer: NodeJS.Timeout
  readonly #seconds: Histogram
  #running: Promise<void> | undefined
  #closed = false

  constructor(context: AppContext) {
    this.#context = context
    this.#seconds = new Histogram({
      name: 'coderd_lifecycle_autobuild_execution_duration_seconds',
      help: 'How long it took to look for workspaces whose time has come, and to change them.',
      registers: [context.metrics],
    })
    this.#timer = setInterval(() => void this.tick(), context.config.autobuildPollInterval).unref()
  }

  /** Looks once; a look that is still under way is not doubled (OP-62). */
  tick(): Promise<void> {
    this.#running ??= labelled('lifecycle-executor', () => this.#look()).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #look(): Promise<void> {
    const { database, clock, log } = this.#context
    const measured = this.#seconds.startTimer()
    try {
      const now = clock.now()
      // Most of them have a schedule whose time has not come; only the others are worth a transaction.
      const ids = (await listTimedWorkspaces(actor, database.db, now)).flatMap((row) =>
        dueChange(row, now) === undefined ? [] : [row.id],
      )
      while (ids.length > 0 && !this.#closed)
        await Promise.all(
          ids
            .splice(0, AT_ONCE)
            .map((id) => changeWorkspace(this.#context, id, (row) => dueChange(row, now), BY_TIME)),
        )
      await remindOfAutostop(this.#context)
    } catch (error) {
      log.warn('workspaces whose time has come could not be looked for', { error: describeError(error) })
    } finally {
      measured()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#running
  }
}
