import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type ExternalAuth, ProviderError } from '../external-auth/index.ts'
import { getFile } from '../files/index.ts'
import { gitSshKeyOf } from '../git-ssh-keys/index.ts'
import {
  type Applied,
  EngineError,
  insertTimings,
  type JobHandler,
  type JobTools,
  type Outcome,
  type Plan,
  type PlanRequest,
  type Timing,
} from '../provisioning/index.ts'
import { deleteAgentsOfOtherBuilds, insertResources } from '../resources/index.ts'
import { listVariables } from '../templates/index.ts'
import { effectiveQuietHours } from '../user-settings/index.ts'
import { takeOnCost } from './commit-quota.ts'
import { statePurpose } from './create-build.ts'
import { type StopRules, stopTimes } from './deadline.ts'
import { isOrphaning } from './orphan.ts'
import { recordBuild } from './record-build.ts'
import { type BuildInputs, getBuildInputs } from './store/build-inputs.ts'
import { finishBuild, listBuildParameters, setBuildState } from './store/builds.ts'
import { markWorkspaceDeleted } from './store/workspace-changes.ts'

const actor = systemActor('provisionerd', 'carries out a build for its initiator')

/** Carries out builds: plan, apply, and what they leave behind (PR-48). */
export function buildHandler(context: AppContext, external: ExternalAuth): JobHandler {
  return {
    type: 'workspace_build',
    ended: (job, succeeded) => recordBuild(context, job.id, succeeded),
    async run(job, tools): Promise<Outcome> {
      const db = context.database.db
      const inputs = await getBuildInputs(actor, db, job.id)
      const { build } = inputs
      tools.say('Setting up', `${verb(build.transition)} workspace ${build.workspace_name}`)
      if (isOrphaning(job)) return forgotten(build.workspace_id, tools)
      const file = await getFile(actor, db, job.file_id)
      const state =
        inputs.state === null
          ? new Uint8Array()
          : context.secrets.sealer.open(inputs.state, statePurpose(build.workspace_id))
      await using session = await tools.engine.open({
        archive: file.data,
        state,
        workDirectory: tools.workDirectory,
        log: tools.engineLog,
        signal: tools.signal,
      })
      const request = await planRequest(context, external, inputs)
      let plan: Plan
      let applied: Applied
      try {
        plan = await session.plan(request)
        if (plan.aiTasks.length > 1) throw new EngineError('a template can have one AI task at most')
        await takeOnCost(context, inputs, plan, tools)
        applied = await session.apply(plan)
      } catch (error) {
        return failed(context, job.id, inputs, error, tools)
      }
      tools.say('Cleaning Up', `Workspace ${build.workspace_name} is ${done(build.transition)}`)
      return {
        ok: true,
        async store(tx): Promise<void> {
          const start = build.transition === 'start'
          await insertResources(actor, tx, job.id, build.transition, applied.resources, start)
          await deleteAgentsOfOtherBuilds(actor, tx, build.workspace_id, start ? job.id : undefined)
          await finishBuild(actor, tx, build.id, {
            state: seal(context, inputs, applied.state),
            // Schedules may have been changed while it ran.
            ...(start
              ? stopTimes(stopRulesOf(context, await getBuildInputs(actor, tx, job.id)), context.clock.now())
              : { deadline: null, maxDeadline: null }),
            dailyCost: plan.dailyCost,
            taskAppId: applied.aiTasks[0]?.appId,
            hasAiTask: plan.aiTasks.length > 0,
            hasExternalAgent: plan.hasExternalAgent,
          })
          await insertTimings(actor, tx, rows(job.id, [...plan.timings, ...applied.timings]))
          if (build.transition === 'delete') await markWorkspaceDeleted(actor, tx, build.workspace_id)
        },
      }
    },
  }
}

/** An orphaning delete runs nothing, so that a broken template or provisioner cannot hold it up (WS-172). */
function forgotten(workspaceId: string, tools: JobTools): Outcome {
  tools.say('Cleaning Up', 'The resources of the workspace are left as they are: it was orphaned', 'warn')
  return {
    ok: true,
    async store(tx): Promise<void> {
      await deleteAgentsOfOtherBuilds(actor, tx, workspaceId, undefined)
      await markWorkspaceDeleted(actor, tx, workspaceId)
    },
  }
}

async function planRequest(
  context: AppContext,
  external: ExternalAuth,
  inputs: BuildInputs,
): Promise<PlanRequest> {
  const db = context.database.db
  const { build, owner } = inputs
  const parameters = await listBuildParameters(actor, db, build.id)
  const previous =
    inputs.previousBuildId === null ? [] : await listBuildParameters(actor, db, inputs.previousBuildId)
  const variables = await listVariables(actor, db, build.template_version_id)
  const key = await gitSshKeyOf(context, actor, owner.id)
  return {
    purpose: 'build',
    transition: build.transition === 'delete' ? 'destroy' : build.transition,
    parameters: parameters.map(({ name, value }) => ({ name, value })),
    previousParameters: previous.map(({ name, value }) => ({ name, value })),
    variables: variables
      .filter((variable) => variable.value !== '' || variable.required)
      .map(({ name, value }) => ({ name, value })),
    owner: {
      id: owner.id,
      name: owner.username,
      fullName: owner.name,
      email: owner.email,
      loginType: owner.loginType,
      groups: owner.groups,
      roles: [
        ...owner.siteRoles.map((name) => ({ name, organizationId: '' })),
        ...owner.organizationRoles.map((name) => ({ name, organizationId: inputs.organizationId })),
      ],
      sshPublicKey: key.row.public_key,
      sshPrivateKey: key.privateKey,
      // Made when a template can ask for it; `typescript` ones cannot (PR-B13).
      sessionToken: '',
      oidcAccessToken: '',
    },
    workspace: {
      id: build.workspace_id,
      name: build.workspace_name,
      buildId: build.id,
      templateId: build.template_id,
      templateName: inputs.template.name,
      templateVersion: inputs.versionName,
      accessUrl: context.accessUrl(),
      isPrebuild: false,
      isPrebuildClaim: false,
    },
    externalAuth: await externalTokens(external, inputs),
    task: inputs.task,
    runningAgentTokens: [],
  }
}

/**
 * Tokens of what the template asks for and the owner is connected to. A provider that is away must not keep anybody
 * from stopping or deleting a workspace.
 *
 * @throws ProviderError when a provider cannot be asked before a start.
 */
async function externalTokens(
  external: ExternalAuth,
  { build, owner, externalAuth }: BuildInputs,
): Promise<PlanRequest['externalAuth']> {
  try {
    const requirements = await external.requirements(owner.id, externalAuth)
    return requirements.flatMap(({ id, accessToken }) =>
      accessToken === undefined ? [] : [{ id, accessToken }],
    )
  } catch (error) {
    if (error instanceof ProviderError && build.transition !== 'start') return []
    throw error
  }
}

function failed(
  context: AppContext,
  jobId: string,
  inputs: BuildInputs,
  error: unknown,
  tools: JobTools,
): Outcome {
  if (!(error instanceof EngineError)) throw error
  return {
    ok: false,
    // A build that was asked to stop and stopped is canceled, not failed.
    error: tools.signal.reason === 'canceled' ? '' : error.message,
    code: error.code,
    async store(tx): Promise<void> {
      if (error.state !== undefined)
        await setBuildState(actor, tx, inputs.build.id, seal(context, inputs, error.state))
      await insertTimings(actor, tx, rows(jobId, error.timings))
    },
  }
}

function seal(context: AppContext, inputs: BuildInputs, state: Uint8Array): Buffer | null {
  return state.length === 0
    ? null
    : context.secrets.sealer.seal(state, statePurpose(inputs.build.workspace_id))
}

/** What says when the workspace stops by itself (WS §12.1). */
function stopRulesOf({ config }: AppContext, inputs: BuildInputs): StopRules {
  const { template, ttl, autostart, owner } = inputs
  const ttlNs = template.allowUserAutostop ? (ttl ?? 0) : template.defaultTtl
  return {
    ttlMs: ttlNs / 1_000_000,
    autostart: autostart ?? undefined,
    required: {
      days: template.autostopDays,
      weeks: template.autostopWeeks,
      quietHours: effectiveQuietHours(config, owner.quietHours),
    },
  }
}

function rows(jobId: string, timings: readonly Timing[]) {
  return timings.map((timing) => ({
    job_id: jobId,
    started_at: timing.start,
    ended_at: timing.end,
    stage: timing.stage,
    source: timing.source,
    action: timing.action,
    resource: timing.resource,
  }))
}

function verb(transition: 'start' | 'stop' | 'delete'): string {
  return transition === 'start' ? 'Starting' : transition === 'stop' ? 'Stopping' : 'Deleting'
}

function done(transition: 'start' | 'stop' | 'delete'): string {
  return transition === 'start' ? 'started' : transition === 'stop' ? 'stopped' : 'deleted'
}
