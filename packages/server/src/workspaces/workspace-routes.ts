import * as contract from '@slipway/contract'
import { audited, auditedWrite } from '../audit/index.ts'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionIncoming, type SessionRequest } from '../edge/index.ts'
import { ApiError, badRequest, conflict, forbidden, validationFailed } from '../errors/index.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import { getOrganization, knownUserId } from '../organizations/index.ts'
import { requireName } from '../templates/index.ts'
import { announceCreated, announceDormant } from './announce.ts'
import { checkSchedule } from './autostart.ts'
import type { BuildFeed } from './build-feed.ts'
import { createWorkspaceOnce } from './create-workspace-once.ts'
import { includeMetadata } from './include-metadata.ts'
import { includeParts, readInclude } from './include-parts.ts'
import { awakened, dormancy } from './lifecycle.ts'
import { withParts } from './load.ts'
import { noteUse } from './note-use.ts'
import { mismatchesAtAutostart } from './resolve-autostart.ts'
import { readSearch } from './search.ts'
import { setDeadline } from './store/builds.ts'
import { updateWorkspace } from './store/workspace-changes.ts'
import { workspaceObject } from './store/workspace-object.ts'
import {
  getWorkspace,
  getWorkspaceByName,
  listWorkspaces,
  mayReadTemplate,
  type WorkspaceRow,
} from './store/workspaces.ts'
import { parseTime } from './time.ts'
import { ttlFromMs } from './ttl.ts'
import { watchAgentConnection } from './watch-agent-connection.ts'
import { watchWorkspace } from './watch-workspace.ts'

const MIN_EXTENSION_MS = 29 * 60_000

/** Workspaces: make, read, search, change, watch (WS §8, §10). */
export function workspaceRoutes(context: AppContext, feed: BuildFeed, external: ExternalAuth): BoundRoute[] {
  const db = context.database.db
  const one = async (actor: Actor, row: WorkspaceRow): Promise<contract.Workspace> => {
    if (!mayReadTemplate(actor, row)) throw forbidden()
    const [workspace] = await withParts(context, [row], actor.id)
    if (workspace === undefined) throw new Error('a loaded workspace was not presented')
    return workspace
  }
  const create = (
    incoming: SessionRequest & { readonly body: contract.CreateWorkspaceRequest },
    organizationId?: string,
  ): Promise<contract.Workspace> =>
    audited(context, incoming, { type: 'workspace', action: 'create' }, async (draft) => {
      const { actor, params } = incoming
      const ownerId = await knownUserId(context, actor, params.user ?? '')
      const made = await createWorkspaceOnce(context, external, incoming, ownerId, organizationId)
      // One that is there already was recorded and announced when it was made.
      if (made.matching !== undefined) {
        draft.after = made.workspace
        await announceCreated(context, made.workspace, actor.id)
      }
      const [workspace] = await withParts(context, [made.workspace], actor.id, made.matching)
      if (workspace === undefined) throw new Error('a made workspace was not presented')
      return workspace
    })
  /** Runs a change of a workspace with its entry in the audit log; resolves to the workspace as it is then. */
  const changing = (
    incoming: SessionRequest,
    work: (row: WorkspaceRow) => Promise<void>,
  ): Promise<WorkspaceRow> =>
    auditedWrite(
      context,
      incoming,
      'workspace',
      (id = incoming.params.workspace ?? '') => getWorkspace(incoming.actor, db, id),
      work,
    )
  const watch = async ({
    actor,
    params,
    events,
  }: Pick<SessionIncoming<contract.Route>, 'actor' | 'params' | 'events'>): Promise<void> => {
    const row = await getWorkspace(actor, db, params.workspace ?? '')
    await watchWorkspace(context, actor, row.id, await events())
  }
  return [
    forSession(contract.createWorkspace, (incoming) => create(incoming)),
    forSession(contract.createOrganizationWorkspace, async (incoming) => {
      const organization = await getOrganization(incoming.actor, db, incoming.params.organization ?? '')
      return create(incoming, organization.id)
    }),
    forSession(contract.listWorkspaces, async ({ actor, query }) => {
      const include = readInclude(query.include)
      const { conditions, metadataKeys } = await readSearch(context, actor, query.q ?? '')
      const { rows, count } = await listWorkspaces(actor, db, conditions, query)
      const presented = await withParts(context, rows, actor.id)
      const workspaces = await includeParts(context, actor, rows, presented, include)
      return { workspaces: [...(await includeMetadata(context, workspaces, metadataKeys))], count }
    }),
    forSession(contract.getWorkspace, async ({ actor, params, query }) => {
      const row = await getWorkspace(actor, db, params.workspace ?? '')
      if (row.deleted && query.include_deleted !== true)
        throw new ApiError(
          410,
          `Workspace ${JSON.stringify(row.id)} was deleted, you can view this workspace by specifying '?include_deleted=true' and trying again.`,
        )
      return one(actor, row)
    }),
    forSession(contract.getWorkspaceByName, async ({ actor, params, query }) => {
      const row = await getWorkspaceByName(
        actor,
        db,
        await knownUserId(context, actor, params.user ?? ''),
        params.workspacename ?? '',
        query.include_deleted ?? false,
      )
      return one(actor, row)
    }),
    forSession(contract.updateWorkspace, async (incoming) => {
      const { actor, body, reply } = incoming
      await changing(incoming, async (row) => {
        reply.code(204)
        const name = body.name ?? ''
        if (name === '' || name === row.name) return
        if (!context.config.allowWorkspaceRenames)
          throw badRequest('Workspace renames are not allowed.', {
            detail: 'An administrator can allow them with --allow-workspace-renames.',
          })
        requireName(name)
        await updateWorkspace(actor, db, row, { name })
      })
      return undefined
    }),
    forSession(contract.setAutostart, async (incoming) => {
      const { actor, body } = incoming
      await changing(incoming, async (row) => {
        const schedule = checkSchedule(body.schedule)
        if (schedule !== null && !row.template_allow_user_autostart)
          throw badRequest('Autostart is not allowed for workspaces using this template.')
        await updateWorkspace(actor, db, row, { autostart_schedule: schedule })
      })
      return undefined
    }),
    forSession(contract.setTtl, async (incoming) => {
      const { actor, body } = incoming
      await changing(incoming, async (row) => {
        if (!row.template_allow_user_autostop)
          throw badRequest('Validation failed.', {
            validations: [
              {
                field: 'ttl_ms',
                detail: 'Custom autostop TTL is not allowed for workspaces using this template.',
              },
            ],
          })
        const disabled = body.ttl_ms === undefined || body.ttl_ms === 0
        const ttl = disabled ? null : ttlFromMs(body.ttl_ms ?? 0)
        await context.database.transaction(async (tx) => {
          await updateWorkspace(actor, tx, row, { ttl })
          if (disabled && row.transition === 'start')
            await setDeadline(actor, tx, row, row.build_id, row.max_deadline)
        })
      })
      return undefined
    }),
    forSession(contract.setAutomaticUpdates, async (incoming) => {
      const { actor, body } = incoming
      await changing(incoming, async (row) => {
        await updateWorkspace(actor, db, row, { automatic_updates: body.automatic_updates })
      })
      return undefined
    }),
    forSession(contract.resolveAutostart, async ({ actor, params }) => ({
      parameter_mismatch: await mismatchesAtAutostart(
        context,
        await getWorkspace(actor, db, params.workspace ?? ''),
      ),
    })),
    forSession(contract.favoriteWorkspace, async (incoming) => {
      const { actor } = incoming
      await changing(incoming, async (row) => {
        if (row.owner_id !== actor.id)
          throw forbidden('You can only favorite workspaces that you own.', { detail: undefined })
        await updateWorkspace(actor, db, row, { favorite: true })
      })
      return undefined
    }),
    forSession(contract.unfavoriteWorkspace, async (incoming) => {
      const { actor } = incoming
      await changing(incoming, async (row) => {
        if (row.owner_id !== actor.id)
          throw forbidden('You can only un-favorite workspaces that you own.', { detail: undefined })
        await updateWorkspace(actor, db, row, { favorite: false })
      })
      return undefined
    }),
    forSession(contract.extendWorkspace, async ({ actor, params, body }) => {
      const row = await getWorkspace(actor, db, params.workspace ?? '')
      const deadline = parseTime(body.deadline)
      if (deadline === undefined)
        throw validationFailed([{ field: 'deadline', detail: 'must be an RFC 3339 time' }])
      // Before what the state of the workspace says.
      authorize(actor, 'update', workspaceObject(row))
      checkExtension(row, deadline, context.clock.now())
      await setDeadline(actor, db, row, row.build_id, deadline)
      return { message: `Deadline updated to ${deadline.toISOString()}.` }
    }),
    forSession(contract.setDormant, async (incoming) => {
      const { actor, body, reply } = incoming
      const after = await changing(incoming, async (row) => {
        const dormant = body.dormant ?? false
        if ((row.dormant_at !== null) === dormant) {
          reply.code(304)
          return
        }
        const now = context.clock.now()
        await updateWorkspace(actor, db, row, dormant ? dormancy(row, now) : awakened(now))
        if (dormant && row.owner_id !== actor.id) await announceDormant(context, row)
      })
      return one(actor, after)
    }),
    forSession(contract.reportUsage, async ({ actor, params }) => {
      const row = await getWorkspace(actor, db, params.workspace ?? '')
      authorize(actor, 'update', workspaceObject(row))
      await noteUse(context, row.id)
      return undefined
    }),
    forSession(contract.watchWorkspace, async (incoming) => {
      await watch(incoming)
      return undefined
    }),
    forSession(contract.watchAllBuilds, async ({ actor, upgrade }) => {
      feed.watch(actor, await upgrade())
      return undefined
    }),
    forSession(contract.watchAgentConnection, async ({ actor, params, query, upgrade }) => {
      const row = await getWorkspace(actor, db, params.workspace ?? '')
      const target = { workspaceId: row.id, agentName: query.agent_name ?? '' }
      await watchAgentConnection(context, actor, target, await upgrade())
      return undefined
    }),
    forSession(contract.watchWorkspaceWs, async (incoming) => {
      await watch(incoming)
      return undefined
    }),
  ]
}

/** WS-163. @throws ApiError 409 when there is no deadline to move, 400 for one that may not be. */
function checkExtension(row: WorkspaceRow, deadline: Date, now: Date): void {
  if (row.transition !== 'start')
    throw conflict(`Workspace must be started, current status: ${row.transition}`)
  if (row.job.completed_at === null) throw conflict('Workspace is still building!')
  if (row.deadline === null) throw conflict('Workspace shutdown is manual.')
  if (deadline.getTime() < now.getTime() + MIN_EXTENSION_MS)
    throw badRequest('Cannot extend workspace: new deadline must be at least 30 minutes in the future')
  if (row.max_deadline !== null && deadline > row.max_deadline)
    throw badRequest('Cannot extend workspace beyond max deadline.')
}
