import { Histogram } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { labelled } from '../profile-labels/index.ts'
import { announceAutoPaused, announceAutoUpdated, announceDormant } from './announce.ts'
import { createBuild, targetOf } from './create-build.ts'
import { dormancy, dueChange, versionForAutostart } from './lifecycle.ts'
import { type AutomaticChange, recordAutomaticChange } from './record-automatic-change.ts'
import { remindOfAutostop } from './remind-of-autostop.ts'
import { tryLockWorkspace, updateWorkspace } from './store/workspace-changes.ts'
import { getWorkspace, listTimedWorkspaces } from './store/workspaces.ts'

const actor = systemActor('autostart', 'workspaces start and stop when their time has come')
const AT_ONCE = 10

/** Rolls a transition back that no live provisioner could carry out: it is tried again at the next tick (WS-236). */
class NoProvisioner extends Error {}

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
        await Promise.all(ids.splice(0, AT_ONCE).map((id) => this.#change(id, now)))
      await remindOfAutostop(this.#context)
    } catch (error) {
      log.warn('workspaces whose time has come could not be looked for', { error: describeError(error) })
    } finally {
      measured()
    }
  }

  /** One that fails must not stop the others; somebody else's build in between is no failure. */
  async #change(id: string, now: Date): Promise<void> {
    const { database, log } = this.#context
    let tried: AutomaticChange | undefined
    try {
      const done = await this.#context.buildMetrics.enqueueing((attempt) =>
        database.transaction(
          async (tx): Promise<AutomaticChange | undefined> => {
            if (!(await tryLockWorkspace(actor, tx, id))) return undefined
            const row = await getWorkspace(actor, tx, id)
            const due = dueChange(row, now)
            if (due === undefined) return undefined
            tried = { before: row, due }
            if (due.dormant) await updateWorkspace(actor, tx, row, dormancy(row, now))
            if (due.build === undefined) return { ...tried, after: await getWorkspace(actor, tx, id) }
            const { matching } = await createBuild(
              this.#context,
              actor,
              tx,
              targetOf(row),
              {
                ...due.build,
                initiatorId: row.owner_id,
                ...(due.build.transition === 'start' ? versionForAutostart(row) : {}),
              },
              attempt,
            )
            if (matching.available === 0) throw new NoProvisioner()
            log.info('a workspace changes because its time has come', { workspace_id: id, ...due.build })
            return { ...tried, after: await getWorkspace(actor, tx, id) }
          },
          { isolation: 'repeatable read' },
        ),
      )
      if (done === undefined) return
      await recordAutomaticChange(this.#context, done)
      await this.#announce(done)
    } catch (error) {
      if (error instanceof NoProvisioner || (error instanceof ApiError && error.status === 409)) return
      log.warn('a workspace could not be changed in its time', {
        workspace_id: id,
        error: describeError(error),
      })
      await this.#recordFailure(tried)
    }
  }

  async #announce({ before, after, due }: AutomaticChange): Promise<void> {
    if (due.dormant === true) await announceDormant(this.#context, before)
    if (due.build?.reason === 'task_auto_pause') await announceAutoPaused(this.#context, before)
    if (
      after !== undefined &&
      due.build?.transition === 'start' &&
      after.template_version_id !== before.template_version_id
    )
      await announceAutoUpdated(this.#context, after)
  }

  async #recordFailure(tried: AutomaticChange | undefined): Promise<void> {
    if (tried === undefined) return
    try {
      await recordAutomaticChange(this.#context, tried)
    } catch (error) {
      this.#context.log.warn('a change that failed could not be recorded', { error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#running
  }
}
