import { NO_ID } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { recordEntry } from '../audit/index.ts'
import { type Actor, systemActor } from '../authz/index.ts'
import type { BuildAttempt } from '../build-metrics/index.ts'
import type { AppContext, Db } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { actorOf, findStanding, roleOptions } from '../identity/index.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { announceUpdated } from './announce.ts'
import { createBuild, targetOf } from './create-build.ts'
import { recordBuild } from './record-build.ts'
import { getBuild } from './store/builds.ts'
import { endFollowUp, type FollowUp, postponeFollowUp, takeFollowUp } from './store/follow-ups.ts'
import { getWorkspace, type WorkspaceRow } from './store/workspaces.ts'

const PAUSE_MS = 30_000
const RETRY_MS = 30_000
const ENDED: ReadonlySet<unknown> = new Set(['succeeded', 'failed', 'canceled'])
/** Answers that another try would get again. */
const FINAL: ReadonlySet<number> = new Set([400, 403, 404])

const actor = systemActor(
  'system_restricted',
  'builds follow others that have ended; no narrower actor may take them',
)
const reader = systemActor('provisionerd', 'a build follows with the present rights of who has asked for it')

/** Who has asked for a build, with the rights that they have now. */
interface Initiator {
  readonly actor: Actor
  readonly username: string
  readonly email: string
}

/** What became of one that was taken. */
interface Followed {
  readonly followUp: FollowUp
  readonly initiator: Initiator | undefined
  readonly child?: { readonly id: string; readonly before: WorkspaceRow }
  /** Why it is not built. */
  readonly refusal?: string
}

/**
 * Starts workspaces again whose stop was asked for with a start to follow (WS-178): when a build ends, and every half a
 * minute. Any number of replicas share the work; a row is made a build of in the transaction that has locked it.
 */
export class FollowUpBuilds implements AsyncDisposable {
  readonly #job: PeriodicJob
  readonly #subscription: Disposable

  constructor(context: AppContext) {
    this.#job = new PeriodicJob(context, {
      service: 'workspace-build-orchestrator',
      pauseMs: PAUSE_MS,
      failure: 'builds that are to follow others could not be queued',
      async round(closing) {
        while (!closing.aborted && (await followOne(context)));
      },
    })
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['provisioner_job']),
      onEvent: ({ data }) => {
        if (data.type === 'workspace_build' && ENDED.has(data.job_status)) this.#job.wake()
      },
      onReset: () => this.#job.wake(),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]()
    await this.#job[Symbol.asyncDispose]()
  }
}

/** @returns whether there was one. */
async function followOne(context: AppContext): Promise<boolean> {
  const { database, log, clock } = context
  const taken: { one?: FollowUp; initiator?: Initiator | undefined } = {}
  try {
    const followed = await context.buildMetrics.enqueueing((attempt) =>
      database.transaction(
        async (tx) => {
          delete taken.one
          const followUp = await takeFollowUp(actor, tx, clock.now())
          if (followUp === undefined) return undefined
          taken.one = followUp
          taken.initiator = await initiatorOf(context, tx, followUp.initiator_id)
          return follow(context, tx, followUp, taken.initiator, attempt)
        },
        { isolation: 'repeatable read', attempts: 5 },
      ),
    )
    if (followed === undefined) return false
    await tell(context, followed)
  } catch (error) {
    const { one, initiator } = taken
    if (one === undefined) throw error
    const problem = error instanceof ApiError ? error.message : describeError(error)
    const isFinal = error instanceof ApiError && FINAL.has(error.status)
    if (isFinal) await endFollowUp(actor, database.db, one.id, { status: 'failed', error: problem })
    const at = new Date(clock.now().getTime() + RETRY_MS)
    const isOver = isFinal || (await postponeFollowUp(actor, database.db, one.id, { at, error: problem }))
    log.warn('a build that was to follow another one could not be queued', {
      workspace_id: one.workspace_id,
      again: !isOver,
      error: describeError(error),
    })
    if (isOver)
      await recordRefusal(context, one, initiator, problem, error instanceof ApiError ? error.status : 500)
  }
  return true
}

async function follow(
  context: AppContext,
  tx: Db,
  followUp: FollowUp,
  initiator: Initiator | undefined,
  attempt: BuildAttempt,
): Promise<Followed> {
  const refusal = refusalOf(followUp, initiator)
  if (refusal !== undefined || initiator === undefined) {
    const status = followUp.parent_status === 'canceled' ? 'canceled' : 'failed'
    await endFollowUp(actor, tx, followUp.id, { status, error: refusal ?? '' })
    return { followUp, initiator, refusal: refusal ?? '' }
  }
  const before = await getWorkspace(initiator.actor, tx, followUp.workspace_id)
  const { id } = await createBuild(
    context,
    initiator.actor,
    tx,
    targetOf(before),
    {
      transition: 'start',
      template_version_id: followUp.template_version_id ?? before.template_active_version_id,
      rich_parameter_values: followUp.rich_parameter_values,
      reason: followUp.reason,
      ...(followUp.template_version_preset_id === null
        ? {}
        : { template_version_preset_id: followUp.template_version_preset_id }),
      ...(followUp.log_level === null ? {} : { log_level: followUp.log_level }),
    },
    attempt,
  )
  await endFollowUp(actor, tx, followUp.id, { status: 'completed', childBuildId: id })
  return { followUp, initiator, child: { id, before } }
}

/** Why nothing follows; undefined when something does. */
function refusalOf(followUp: FollowUp, initiator: Initiator | undefined): string | undefined {
  if (followUp.parent_status !== 'succeeded') return `the build before has ${verbOf(followUp.parent_status)}`
  switch (followUp.obstacle) {
    case 'deleted':
      return 'the workspace was deleted'
    case 'dormant':
      return 'the workspace is dormant'
    case 'superseded':
      return 'another build came in between'
    case null:
      return initiator === undefined ? 'the account that has asked for it is not active any more' : undefined
  }
}

function verbOf(status: 'failed' | 'canceled'): string {
  return status === 'failed' ? 'failed' : 'been canceled'
}

async function initiatorOf(context: AppContext, tx: Db, id: string): Promise<Initiator | undefined> {
  const standing = await findStanding(reader, tx, id)
  if (standing === undefined || standing.status === 'suspended') return undefined
  return {
    actor: actorOf(id, standing, roleOptions(context)),
    username: standing.username,
    email: standing.email,
  }
}

async function tell(context: AppContext, { followUp, initiator, child, refusal }: Followed): Promise<void> {
  const { db } = context.database
  if (child === undefined || initiator === undefined) {
    context.log.info('no build follows another one', {
      workspace_id: followUp.workspace_id,
      reason: refusal ?? '',
    })
    // Who has canceled the stop, or deleted the workspace, knows; the rest would be looked for in vain.
    if (followUp.parent_status === 'succeeded')
      await recordRefusal(context, followUp, initiator, refusal ?? '', 409)
    return
  }
  const build = await getBuild(reader, db, child.id)
  if (build.job.completed_at !== null)
    await recordBuild(context, build.job.id, build.job.job_status === 'succeeded')
  if (build.template_version_id !== child.before.template_version_id)
    await announceUpdated(context, child.before, build.template_version_name, {
      id: followUp.initiator_id,
      username: initiator.username,
    })
}

/** Writes to the audit log that a start was not made, and why, in the name of who has asked for it. */
function recordRefusal(
  context: AppContext,
  followUp: FollowUp,
  initiator: Initiator | undefined,
  problem: string,
  status: number,
): Promise<void> {
  return recordEntry(context, {
    type: 'workspace_build',
    action: 'start',
    user: {
      id: followUp.initiator_id,
      username: initiator?.username ?? '',
      email: initiator?.email ?? '',
    },
    organizationId: followUp.organization_id,
    resourceId: followUp.parent_id,
    target: '',
    icon: '',
    diff: {},
    status,
    additionalFields: {
      workspace_name: followUp.workspace_name,
      build_number: String(followUp.parent_number + 1),
      build_reason: followUp.reason,
      workspace_owner: followUp.owner_name,
      workspace_id: followUp.workspace_id,
      error: problem,
    },
    requestId: NO_ID,
    ip: undefined,
    userAgent: '',
  })
}
