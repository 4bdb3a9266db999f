import * as contract from '@slipway/contract'
import { recordChange } from '../audit/index.ts'
import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import { getUser } from '../identity/index.ts'
import { knownUserId } from '../organizations/index.ts'
import { answerJobLogs, JOB_LOG_FAULTS, listTimings } from '../provisioning/index.ts'
import { RepeatableRequest } from '../repeatable-requests/index.ts'
import { listResources, presentResource } from '../resources/index.ts'
import { refuseUnknown } from '../search/index.ts'
import { getTemplate, templateObject } from '../templates/index.ts'
import { announceUpdated } from './announce.ts'
import { cancelBuild } from './cancel-build.ts'
import { statePurpose } from './create-build.ts'
import { buildsWithParts, surroundings } from './load.ts'
import { RepeatedBuild, requestBuild } from './request-build.ts'
import {
  type BuildRow,
  findBuildByNumber,
  getBuild,
  getBuildState,
  listBuildParameters,
  listBuilds,
  setBuildState,
} from './store/builds.ts'
import { listScriptTimings } from './store/script-timings.ts'
import { listUsedParameters } from './store/used-parameters.ts'
import { workspaceObject } from './store/workspace-object.ts'
import { getWorkspace, getWorkspaceByName } from './store/workspaces.ts'
import { parseTime } from './time.ts'

const parts = systemActor('provisionerd', 'parts of a build that was read as the caller')

/** Builds of workspaces (WS §9). */
export function buildRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const build = (actor: Actor, params: Readonly<Record<string, string>>): Promise<BuildRow> =>
    getBuild(actor, db, params.workspacebuild ?? '')
  const present = async (row: BuildRow): Promise<contract.WorkspaceBuild> => {
    const [presented] = await buildsWithParts(context, [row])
    if (presented === undefined) throw new Error('a loaded build was not presented')
    return presented
  }
  const timings = async (row: BuildRow): Promise<contract.WorkspaceBuildTimings> => ({
    provisioner_timings: (await listTimings(parts, db, row.job.id)).map((timing) => ({
      job_id: timing.job_id,
      started_at: timing.started_at.toISOString(),
      ended_at: timing.ended_at.toISOString(),
      stage: timing.stage as contract.TimingStage,
      source: timing.source,
      action: timing.action,
      resource: timing.resource,
    })),
    ...(await agentTimings(context, row)),
  })
  const requireTemplateUpdate = async (actor: Actor, row: BuildRow): Promise<void> => {
    const template = await getTemplate(actor, db, row.template_id)
    if (!isAllowed(actor, 'update', templateObject(template))) throw notFound()
  }
  return [
    forSession(contract.listBuilds, async ({ actor, params, query }) => {
      const workspace = await getWorkspace(actor, db, params.workspace ?? '')
      const rows = await listBuilds(actor, db, workspace, {
        since: query.since === undefined ? undefined : sinceFrom(query.since),
        afterId: query.after_id,
        beforeId: query.before_id,
        limit: query.limit,
        offset: query.offset,
      })
      return buildsWithParts(context, rows)
    }),
    forSession(contract.createBuild, async (incoming) => {
      const { actor, params, body } = incoming
      const {
        build: row,
        matching,
        awoken,
        updated,
      } = await requestBuild(
        context,
        actor,
        params.workspace ?? '',
        {
          ...body,
          // A delete is always somebody's own wish (WS-176).
          reason: body.transition === 'delete' ? undefined : body.reason,
          state: body.state === undefined ? undefined : stateFrom(body.state),
        },
        (workspace) =>
          new RepeatableRequest(
            incoming,
            {
              guard: { action: 'read', object: workspaceObject(workspace) },
              operation: `build of ${workspace.id}`,
            },
            RepeatedBuild,
          ),
      )
      if (awoken !== undefined)
        await recordChange(context, incoming, { type: 'workspace', action: 'write' }, awoken)
      if (updated !== undefined)
        await announceUpdated(context, updated, row.template_version_name, incoming.owner)
      const [presented] = await buildsWithParts(context, [row], matching)
      if (presented === undefined) throw new Error('a made build was not presented')
      return presented
    }),
    forSession(contract.getBuildByNumber, async ({ actor, params }) => {
      const ownerId = await knownUserId(context, actor, params.user ?? '')
      const workspace = await getWorkspaceByName(actor, db, ownerId, params.workspacename ?? '', false)
      const number = params.buildnumber ?? ''
      if (!/^\d{1,9}$/.test(number))
        throw badRequest(`Failed to parse build number as integer: ${JSON.stringify(number)}.`)
      const row = await findBuildByNumber(actor, db, workspace.id, Number(number))
      if (row === undefined)
        throw new ApiError(404, `Workspace ${JSON.stringify(workspace.name)} Build ${number} does not exist.`)
      return present(row)
    }),
    forSession(contract.getBuild, async ({ actor, params }) => present(await build(actor, params))),
    forSession(contract.cancelBuild, async ({ actor, params, query: { expect_status: expected } }) => {
      if (expected !== undefined && expected !== 'running' && expected !== 'pending')
        throw badRequest(
          `Invalid expect_status ${JSON.stringify(expected)}. Only 'running' or 'pending' are allowed.`,
        )
      await cancelBuild(context, actor, await build(actor, params), expected)
      return { message: 'Job has been marked as canceled...' }
    }),
    forSession(
      contract.listBuildLogs,
      async ({ actor, params, query, ...request }) =>
        answerJobLogs(context, (await build(actor, params)).job.id, query, request),
      JOB_LOG_FAULTS,
    ),
    forSession(contract.listBuildParameters, async ({ actor, params }) => {
      const row = await build(actor, params)
      return (await listBuildParameters(parts, db, row.id)).map(({ name, value }) => ({ name, value }))
    }),
    forSession(contract.listAutofillParameters, async ({ actor, params, query, raw }) => {
      // ID-23: who misspells it must not get values of another template or of none.
      refuseUnknown(raw.search, ['template_id'])
      const user = await getUser(actor, db, params.user ?? '')
      return listUsedParameters(actor, db, user.id, query.template_id)
    }),
    forSession(contract.listBuildResources, async ({ actor, params }) => {
      const row = await build(actor, params)
      const around = surroundings(context)
      return (await listResources(parts, db, [row.job.id])).map((resource) =>
        presentResource(resource, {
          ...around,
          workspace: { name: row.workspace_name, ownerName: row.owner_name },
        }),
      )
    }),
    forSession(contract.getBuildState, async ({ actor, params, reply }) => {
      const row = await build(actor, params)
      await requireTemplateUpdate(actor, row)
      const sealed = await getBuildState(parts, db, row.id)
      const state =
        sealed === null
          ? Buffer.alloc(0)
          : context.secrets.sealer.open(sealed, statePurpose(row.workspace_id))
      await reply.type('application/json').send(state)
      return undefined
    }),
    forSession(contract.putBuildState, async ({ actor, params, body }) => {
      const row = await build(actor, params)
      await requireTemplateUpdate(actor, row)
      const state = stateFrom(body.state ?? '')
      await setBuildState(
        parts,
        db,
        row.id,
        state.length === 0 ? null : context.secrets.sealer.seal(state, statePurpose(row.workspace_id)),
      )
      return undefined
    }),
    forSession(contract.getBuildTimings, async ({ actor, params }) => timings(await build(actor, params))),
    forSession(contract.getWorkspaceTimings, async ({ actor, params }) => {
      const workspace = await getWorkspace(actor, db, params.workspace ?? '')
      return timings(await getBuild(actor, db, workspace.build_id))
    }),
  ]
}

function sinceFrom(text: string): Date {
  const since = parseTime(text)
  if (since === undefined) throw badRequest('bad `since` format, must be RFC3339')
  return since
}

/** Anything but base64 would be stored as a damaged state, which the next build could not read. */
function stateFrom(text: string): Buffer {
  const state = Buffer.from(text, 'base64')
  if (state.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, ''))
    throw badRequest('Validation failed.', { validations: [{ field: 'state', detail: 'must be base64' }] })
  return state
}

async function agentTimings(
  context: AppContext,
  row: BuildRow,
): Promise<Pick<contract.WorkspaceBuildTimings, 'agent_connection_timings' | 'agent_script_timings'>> {
  const resources = await listResources(parts, context.database.db, [row.job.id])
  const agents = resources.flatMap((resource) => resource.agents)
  const scripts = await listScriptTimings(parts, context.database.db, row.job.id)
  return {
    agent_connection_timings: agents.flatMap((agent) =>
      agent.first_connected_at === null
        ? []
        : [
            {
              started_at: new Date(agent.created_at).toISOString(),
              ended_at: new Date(agent.first_connected_at).toISOString(),
              stage: 'connect' as const,
              workspace_agent_id: agent.id,
              workspace_agent_name: agent.name,
            },
          ],
    ),
    agent_script_timings: scripts.map((run) => ({
      display_name: run.display_name,
      started_at: run.started_at.toISOString(),
      ended_at: run.ended_at.toISOString(),
      exit_code: run.exit_code,
      stage: run.stage as contract.TimingStage,
      status: run.status,
      workspace_agent_id: run.agent_id,
      workspace_agent_name: run.agent_name,
    })),
  }
}
