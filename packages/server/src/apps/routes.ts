import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { createAppConnectKey } from '../identity/index.ts'
import { getWorkspace } from '../workspaces/index.ts'
import { wildcardLabel } from './app-address.ts'
import type { AppServer } from './app-server.ts'
import { deletePortShare, listPortShares, type PortShareRow, upsertPortShare } from './store.ts'

const HANDOVER = 'coder_application_connect_api_key_35e783'

/** Where apps live, sign-in to their hosts, and shared ports (AC §9). */
export function appRoutes(context: AppContext, apps: AppServer): BoundRoute[] {
  const db = context.database.db
  return [
    forSession(contract.getAppHost, async () => ({ host: context.config.wildcardAccessUrl })),
    forSession(contract.appAuthRedirect, async ({ actor, key, context: request, query, reply }) => {
      const target = redirectTarget(context, query.redirect_uri)
      const made = await createAppConnectKey(context, actor, request, key)
      target.searchParams.set(HANDOVER, await apps.handOver(made.key))
      await reply.code(303).header('Location', target.href).send()
      return undefined
    }),
    forSession(contract.listPortShares, async ({ actor, params }) => {
      const workspace = await getWorkspace(actor, db, params.workspace ?? '')
      return { shares: (await listPortShares(actor, db, workspace)).map(presentShare) }
    }),
    forSession(contract.upsertPortShare, async ({ actor, params, body }) => {
      const workspace = await getWorkspace(actor, db, params.workspace ?? '')
      if (body.share_level === 'owner')
        throw badRequest('Port sharing level not allowed: remove the share instead.')
      return presentShare(
        await upsertPortShare(actor, db, workspace, {
          agent_name: body.agent_name,
          port: body.port,
          share_level: body.share_level,
          protocol: body.protocol ?? 'http',
        }),
      )
    }),
    forSession(contract.deletePortShare, async ({ actor, params, body }) => {
      const workspace = await getWorkspace(actor, db, params.workspace ?? '')
      await deletePortShare(actor, db, workspace, body.agent_name, body.port)
      return undefined
    }),
  ]
}

/** AC-195: only addresses of our own apps are redirected to. @throws ApiError 400. */
function redirectTarget(context: AppContext, text: string | undefined): URL {
  if (text === undefined || !URL.canParse(text)) throw badRequest('Invalid redirect_uri.')
  const url = new URL(text)
  if (wildcardLabel(context.config.wildcardAccessUrl, url.host) === undefined)
    throw badRequest('Invalid redirect_uri.', {
      validations: [{ field: 'redirect_uri', detail: 'is no address of a workspace app' }],
    })
  url.protocol = new URL(context.accessUrl()).protocol
  return url
}

function presentShare(row: PortShareRow): contract.WorkspaceAgentPortShare {
  return {
    workspace_id: row.workspace_id,
    agent_name: row.agent_name,
    port: row.port,
    share_level: row.share_level as contract.WorkspaceAgentPortShare['share_level'],
    protocol: row.protocol as contract.WorkspaceAgentPortShare['protocol'],
  }
}
