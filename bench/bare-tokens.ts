// A Fastify server that sends the same statements as a token request and nothing else: the baseline of `oauth2-tokens`.
import { randomBytes, randomUUID } from 'node:crypto'

import fastify from 'fastify'

import { silentLogger } from '@slipway/request-log'
import { recordEntry } from '../packages/server/src/audit/index.ts'
import { actorForUser, systemActor } from '../packages/server/src/authz/index.ts'
import { Database } from '../packages/server/src/database/index.ts'
import { findClientById } from '../packages/server/src/oauth2-clients/store/clients.ts'
import { findSecretByPrefix } from '../packages/server/src/oauth2-clients/store/secrets.ts'
import { findCode } from '../packages/server/src/oauth2-provider/store/codes.ts'
import {
  findRefreshToken,
  type NewTokens,
  redeemCode,
  rotateTokens,
} from '../packages/server/src/oauth2-provider/store/tokens.ts'

const HOUR_MS = 3_600_000
const log = silentLogger()
const actor = systemActor('system_oauth', 'a bench reads what a client does')
const database = await Database.open({
  url: process.env.DATABASE ?? '',
  maxConnections: 10,
  log,
  replicaId: randomUUID(),
})
const { db } = database
const server = fastify()
server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))

function fresh(grantId: string, secretId: string): NewTokens {
  const now = new Date()
  return {
    grantId,
    keyId: randomBytes(5).toString('hex'),
    keyHash: randomBytes(32),
    keyName: 'bench',
    keyScopes: ['coder:all'],
    keyExpiresAt: new Date(now.getTime() + HOUR_MS),
    lifetimeSeconds: 3600,
    refreshPrefix: randomBytes(5).toString('hex'),
    refreshHash: randomBytes(32),
    refreshExpiresAt: new Date(now.getTime() + 2 * HOUR_MS),
    secretId,
    keyThumbprint: undefined,
    refreshThumbprint: undefined,
    now,
    ipAddress: '127.0.0.1',
    userAgent: '',
  }
}

const issuer = (userId: string) => actorForUser('oauth2_token_issuer', userId, 'a bench makes tokens')
/** The server knows its clients and their secrets from memory too. */
const known = new Map<
  string,
  Promise<{ readonly id: string; readonly name: string; readonly secretId: string }>
>()
async function clientOf(form: URLSearchParams) {
  const client = await findClientById(actor, db, form.get('client_id') ?? '')
  const secret = await findSecretByPrefix(actor, db, prefixOf(form.get('client_secret')))
  if (client === undefined || secret === undefined) throw new Error('there is no such client')
  return { id: client.id, name: client.name, secretId: secret.id }
}
const prefixOf = (secret: string | null): string => secret?.split('_')[1] ?? ''

server.post('/', async (request) => {
  const form = new URLSearchParams(String(request.body))
  const clientId = form.get('client_id') ?? ''
  let pending = known.get(clientId)
  if (pending === undefined) {
    pending = clientOf(form)
    known.set(clientId, pending)
  }
  const client = await pending
  const refreshes = form.get('grant_type') === 'refresh_token'
  const found = refreshes
    ? await findRefreshToken(actor, db, prefixOf(form.get('refresh_token')))
    : await findCode(actor, db, prefixOf(form.get('code')))
  if (found === undefined) throw new Error('there is no such grant')
  const tokens = fresh(refreshes && found.grant_id !== null ? found.grant_id : randomUUID(), client.secretId)
  const of = { id: found.id, userId: found.user_id }
  const done = await (refreshes
    ? rotateTokens(issuer(found.user_id), db, of, tokens)
    : redeemCode(issuer(found.user_id), db, of, tokens))
  if (!done) throw new Error('the grant was used before')
  await recordEntry(
    { database, log },
    {
      type: 'oauth2_provider_app',
      action: 'login',
      user: { id: found.user_id, username: found.username, email: found.email },
      organizationId: undefined,
      resourceId: client.id,
      target: client.name,
      icon: '',
      diff: {},
      status: 200,
      additionalFields: {},
      requestId: randomUUID(),
      ip: '127.0.0.1',
      userAgent: '',
    },
  )
  return { access_token: tokens.keyId, token_type: 'Bearer', expires_in: 3600, scope: 'coder:all' }
})
console.log(await server.listen({ host: '127.0.0.1', port: 0 }))
