import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, forSession } from '../edge/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { AppConnectKeys } from '../identity/index.ts'
import { getWorkspace } from '../workspaces/index.ts'
import { appHost, wildcardLabel } from './app-address.ts'
import type { AppServer } from './app-server.ts'
import { withoutParameters } from './own-credentials.ts'
import { narrower } from './sharing-level.ts'
import { deletePortShare, listPortShares, type PortShareRow, upsertPortShare } from './store.ts'

const HANDOVER = 'coder_application_connect_api_key_35e783'

/** Where apps live, sign-in to their hosts, and shared ports (AC §9). */
export function appRoutes(context: AppContext, apps: AppServer): BoundRoute[] {
  const db = context.database.db
  const keys = new AppConnectKeys(context)
  return [
    forSession(contract.getAppHost, async () => ({
      host: appHost(context.config.wildcardAccessUrl, context.accessUrl()),
    })),
    forAnyone(contract.appAuthRedirect, async ({ context: request, raw, query, reply }) => {
      const target = redirectTarget(context, query.redirect_uri)
      const visitor = request.precheck
      if (!visitor.ok && visitor.status === 500)
        throw new ApiError(500, visitor.message, { detail: `Reference: ${request.id}`, cause: visitor.cause })
      if (!visitor.ok || visitor.owner.status !== 'active') {
        // A browser that has come from an app is led back there after its visitor has signed in.
        await reply
          .code(303)
          .header('Location', `/login?${new URLSearchParams({ redirect: raw.url })}`)
          .send()
        return undefined
      }
      const key = await keys.get(visitor.actor, request, visitor.key, target.host)
      // The app gets its query as it was sent, and no key that somebody else has put there.
      const below = withoutParameters(`${target.pathname}${target.search}`, new Set([HANDOVER]))
      const handedOver = `${below.includes('?') ? '&' : '?'}${HANDOVER}=${await apps.handOver(key)}`
      await reply.code(303).header('Location', `${target.origin}${below}${handedOver}`).send()
      return undefined
    }),
    forSession(contract.listPortShares, async ({ actor, params }) => {
      const workspace = await getWorkspace(actor, db, params.workspace ?? '')
      // One that its template has come to leave to the owner alone is no share (AC-202).
      const shares = (await listPortShares(actor, db, workspace)).flatMap(({ highest, ...share }) => {
        const level = narrower(share.share_level, highest)
        return level === 'owner' ? [] : [presentShare({ ...share, share_level: level })]
      })
      return { shares }
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
  const access = new URL(context.accessUrl())
  url.protocol = access.protocol
  // The key must not reach another program on the same host.
  const known = ['', access.port, /:(\d+)$/.exec(context.config.wildcardAccessUrl)?.[1] ?? '']
  if (!known.includes(url.port))
    throw badRequest('Invalid redirect_uri.', {
      validations: [{ field: 'redirect_uri', detail: 'names a port that no workspace app is served on' }],
    })
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
