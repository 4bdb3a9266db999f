import type { FastifyReply } from 'fastify'

import * as contract from '@slipway/contract'
import { diffOf, recordEntry } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, type Incoming } from '../edge/index.ts'
import { openRegistration, removeRegistration, replaceRegistration } from './client-configuration.ts'
import { authorizationServerMetadata, protectedResourceMetadata } from './discovery.ts'
import type { OAuthClients } from './oauth-clients.ts'
import { clientConfiguration } from './present.ts'
import { registerClient } from './register-client.ts'
import type { OAuthClient } from './store/clients.ts'

/** Bytes: metadata is small. */
const BODY_LIMIT = 64 * 1024
/** Requests a minute from one address: to register, and for each client (OA-B7). */
const PER_MINUTE = 60
/** Seconds for which the documents may be kept; settings show in them (OA-4, OA-25). */
const FRESH_SECONDS = 60

/** What clients ask by themselves: what there is, and about their registration. */
export function clientRoutes(
  context: AppContext,
  clients: OAuthClients,
  forgetTokens: () => void,
): BoundRoute[] {
  const serverMetadata = async ({ reply }: { reply: FastifyReply }) => {
    cacheable(reply)
    return authorizationServerMetadata(context)
  }
  const resourceMetadata = async ({ reply, params }: { reply: FastifyReply; params: PathParameters }) => {
    cacheable(reply)
    const path = params['*']
    return protectedResourceMetadata(context, path === undefined ? '' : `/${path}`)
  }
  return [
    forAnyone(contract.getAuthorizationServerMetadata, serverMetadata),
    forAnyone(contract.getAuthorizationServerMetadataOf, serverMetadata),
    forAnyone(contract.getProtectedResourceMetadata, resourceMetadata),
    forAnyone(contract.getProtectedResourceMetadataOf, resourceMetadata),
    forAnyone(
      contract.registerOAuth2Client,
      async (incoming) => {
        const { client, response } = await registerClient(context, clients.limits, {
          authorization: incoming.raw.headers.authorization,
          remoteAddress: incoming.context.remoteAddress,
          bytes: incoming.bytes,
        })
        await record(context, incoming, 'create', undefined, client)
        return response
      },
      { perMinute: PER_MINUTE, bodyLimit: BODY_LIMIT },
    ),
    forAnyone(
      contract.getOAuth2Client,
      async (incoming) => clientConfiguration(await open(context, incoming)),
      { perMinute: PER_MINUTE },
    ),
    forAnyone(
      contract.updateOAuth2Client,
      async (incoming) => {
        const client = await open(context, incoming)
        const { before, after } = await replaceRegistration(context, client, incoming.bytes)
        clients.known.clear()
        await record(context, incoming, 'write', before, after)
        return clientConfiguration(after)
      },
      { perMinute: PER_MINUTE, bodyLimit: BODY_LIMIT },
    ),
    forAnyone(
      contract.deleteOAuth2Client,
      async (incoming) => {
        const client = await open(context, incoming)
        await removeRegistration(context, client)
        clients.known.clear()
        // One that nobody has authorised holds no tokens.
        if (client.first_authorized_at !== null) forgetTokens()
        await record(context, incoming, 'delete', client, undefined)
        return undefined
      },
      { perMinute: PER_MINUTE },
    ),
  ]
}

type PathParameters = Readonly<Record<string, string>>
type AnyIncoming = Pick<Incoming<contract.Route>, 'params' | 'raw' | 'context' | 'reply'>

function cacheable(reply: FastifyReply): void {
  reply.header('Cache-Control', `public, max-age=${FRESH_SECONDS}`)
}

function open(context: AppContext, { params, raw }: AnyIncoming): Promise<OAuthClient> {
  return openRegistration(context, params.client_id ?? '', raw.headers.authorization)
}

/** OA-20: clients have no account, so nobody is named. */
async function record(
  context: AppContext,
  { context: request, raw, reply }: AnyIncoming,
  action: 'create' | 'write' | 'delete',
  before: OAuthClient | undefined,
  after: OAuthClient | undefined,
): Promise<void> {
  const client = after ?? before
  if (client === undefined) return
  await recordEntry(context, {
    type: 'oauth2_provider_app',
    action,
    user: undefined,
    organizationId: undefined,
    resourceId: client.id,
    target: client.name,
    icon: '',
    diff: diffOf('oauth2_provider_app', before, after),
    status: reply.statusCode,
    additionalFields: {},
    requestId: request.id,
    ip: request.remoteAddress,
    userAgent: raw.headers['user-agent'] ?? '',
  })
}
