import { randomUUID } from 'node:crypto'

import type { CreateMCPServerConfigRequest, UpdateMCPServerConfigRequest } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import {
  type ConfigFields,
  type ConfigSecrets,
  changedConfig,
  newConfig,
  revocationUrlFault,
  type WantedConfig,
} from './config-rules.ts'
import { type DiscoveredServer, discover } from './oauth/discover.ts'
import { DiscoveryError, type Guarded } from './oauth/http.ts'
import { clientMetadata, obtainClient, type RegisteredClient } from './oauth/register.ts'
import { destinationOf } from './oauth-client.ts'
import { sealSecret } from './sealed.ts'
import {
  type ConfigChange,
  type ConfigRow,
  deleteConfig,
  holdConfig,
  insertConfig,
  requireRoomFor,
  updateConfig,
} from './store/configs.ts'
import { deleteTokensOfConfig } from './store/tokens.ts'

/** What managing configs works on. */
export interface ManageParts {
  readonly context: AppContext
  readonly guarded: Guarded
}

/**
 * Makes a config, whose OAuth client is found and registered where none is given (OA-103, OA-107). The whole organization
 * may use it at first.
 *
 * @throws ApiError 403 without `mcp_server_config:create`, and for tokens of the identity provider without
 * `deployment_config:update`; 409 for a slug that is taken; 400 for fields that break a rule and a discovery that fails.
 */
export async function createConfig(
  parts: ManageParts,
  actor: Actor,
  organizationId: string,
  given: CreateMCPServerConfigRequest,
): Promise<ConfigRow> {
  const { context } = parts
  const { db } = context.database
  authorize(actor, 'create', { type: 'mcp_server_config', organization: organizationId })
  const wanted = newConfig(given)
  requireTrustFor(actor, wanted.fields.auth_type)
  // Before anything is asked outside.
  await requireRoomFor(actor, db, organizationId, wanted.fields.slug)
  const id = randomUUID()
  const found = wanted.discover ? await discovered(parts, id, wanted.fields) : {}
  return insertConfig(actor, db, {
    ...wanted.fields,
    ...sealedSecrets(context, id, wanted.secrets),
    ...found,
    id,
    organization_id: organizationId,
    created_by: actor.id,
    updated_by: actor.id,
    group_acl: JSON.stringify({ [organizationId]: ['read'] }),
  })
}

/** A config before and after a change. */
export interface ConfigChanged {
  readonly before: ConfigRow
  readonly after: ConfigRow
}

/**
 * Changes what is given of a config (OA-106). A change of where it is or who we are there ends the connections of all
 * users. A client that is cleared as a whole is discovered again.
 *
 * @throws ApiError 404 for who may not change it, 403 as {@link createConfig}, 400, 409 for a taken slug.
 */
export async function changeConfig(
  parts: ManageParts,
  actor: Actor,
  of: { readonly organizationId: string; readonly id: string },
  given: UpdateMCPServerConfigRequest,
): Promise<ConfigChanged> {
  const { context } = parts
  // Nobody else waits while others are asked outside.
  const found = await discoveredForChange(parts, actor, of, given)
  return context.database.transaction(async (tx) => {
    const before = await holdConfig(actor, tx, of.organizationId, of.id, 'update')
    const wanted = changedConfig(before, given)
    requireTrustFor(actor, before.auth_type)
    requireTrustFor(actor, wanted.fields.auth_type)
    if (wanted.discover && (found === undefined || found.url !== wanted.fields.url))
      throw badRequest('The MCP server was changed meanwhile. Please try again.')
    const after = await updateConfig(actor, tx, before, {
      ...wanted.fields,
      ...ownClient(before, wanted),
      ...sealedSecrets(context, before.id, ownSecrets(before, wanted)),
      ...(wanted.discover ? found?.columns : {}),
      updated_by: actor.id,
    })
    if (destinationOf(before) !== destinationOf(after)) await deleteTokensOfConfig(actor, tx, after)
    return { before, after }
  })
}

async function discoveredForChange(
  parts: ManageParts,
  actor: Actor,
  of: { readonly organizationId: string; readonly id: string },
  given: UpdateMCPServerConfigRequest,
): Promise<{ readonly url: string; readonly columns: ConfigChange } | undefined> {
  const { database } = parts.context
  const row = await database.transaction((tx) => holdConfig(actor, tx, of.organizationId, of.id, 'update'))
  const { fields, discover: wanted } = changedConfig(row, given)
  if (!wanted) return undefined
  requireTrustFor(actor, row.auth_type)
  return { url: fields.url, columns: await discovered(parts, row.id, fields) }
}

/** A secret that an authorization server gave to us is for no other one (2026-07-28, registration). */
function ownSecrets(before: ConfigRow, { fields, secrets }: WantedConfig): ConfigSecrets {
  const isElsewhere =
    fields.oauth2_client_id !== before.oauth2_client_id || fields.oauth2_token_url !== before.oauth2_token_url
  return before.oauth2_issuer !== '' && isElsewhere && secrets.oauth2_client_secret === undefined
    ? { ...secrets, oauth2_client_secret: '' }
    : secrets
}

/** What was discovered belongs to the client and the address that it was discovered for. */
function ownClient(before: ConfigRow, { fields }: WantedConfig): ConfigChange {
  const names = ['oauth2_client_id', 'oauth2_auth_url', 'oauth2_token_url'] as const
  if (names.some((name) => fields[name] !== before[name]))
    return {
      oauth2_issuer: '',
      oauth2_iss_required: false,
      oauth2_resource: '',
      oauth2_token_auth_method: '',
    }
  return fields.url === before.url ? {} : { oauth2_resource: '' }
}

/** Removes a config (OA-102). @throws ApiError 404 for who may not delete it, 403 as {@link createConfig}. */
export async function removeConfig(
  { context }: ManageParts,
  actor: Actor,
  of: { readonly organizationId: string; readonly id: string },
): Promise<ConfigRow> {
  return context.database.transaction(async (tx) => {
    const held = await holdConfig(actor, tx, of.organizationId, of.id, 'delete')
    requireTrustFor(actor, held.auth_type)
    await deleteConfig(actor, tx, held)
    return held
  })
}

/**
 * Tokens of the identity provider go there without anybody being asked, so only operators may say where, and whose
 * (OA-104).
 *
 * @throws ApiError 403 without `deployment_config:update`.
 */
export function requireTrustFor(actor: Actor, authType: ConfigRow['auth_type']): void {
  if (authType === 'user_oidc') authorize(actor, 'update', { type: 'deployment_config' })
}

function sealedSecrets(context: AppContext, id: string, secrets: ConfigSecrets): ConfigChange {
  const { oauth2_client_secret: client, api_key_value: key, custom_headers: headers } = secrets
  const sealed = (column: 'oauth2_client_secret' | 'api_key_value', value: string): Buffer | null =>
    value === '' ? null : sealSecret(context, id, column, value)
  return {
    ...(client === undefined ? {} : { oauth2_client_secret: sealed('oauth2_client_secret', client) }),
    ...(key === undefined ? {} : { api_key_value: sealed('api_key_value', key) }),
    ...(headers === undefined
      ? {}
      : {
          custom_headers:
            Object.keys(headers).length === 0
              ? null
              : sealSecret(context, id, 'custom_headers', JSON.stringify(headers)),
        }),
  }
}

/** The authorization server of an MCP server with a client of ours there. @throws ApiError 400 saying what is missing. */
async function discovered(
  { context, guarded }: ManageParts,
  id: string,
  fields: ConfigFields,
): Promise<ConfigChange> {
  let server: DiscoveredServer
  let client: RegisteredClient
  try {
    server = await discover(guarded, fields.url)
    client = await obtainClient(guarded, server, clientMetadata(context.accessUrl(), id))
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error
    throw badRequest('The OAuth2 settings of the MCP server could not be discovered.', {
      detail: error.message,
      cause: error,
    })
  }
  const revocation = fields.oauth2_revocation_url || server.revocationUrl
  const columns = {
    oauth2_client_id: client.clientId,
    oauth2_client_secret:
      client.clientSecret === undefined
        ? null
        : sealSecret(context, id, 'oauth2_client_secret', client.clientSecret),
    oauth2_auth_url: server.authorizationUrl,
    oauth2_token_url: server.tokenUrl,
    // OA-105.
    oauth2_revocation_url: revocationUrlFault(revocation) === undefined ? revocation : '',
    oauth2_scopes: fields.oauth2_scopes || server.scope,
    oauth2_issuer: server.issuer,
    oauth2_iss_required: server.issRequired,
    oauth2_resource: server.resource,
    oauth2_token_auth_method: client.authMethod,
  }
  for (const [name, value] of Object.entries(columns))
    if (typeof value === 'string' && value.length > (name === 'oauth2_scopes' ? 4096 : 2048))
      throw badRequest('The OAuth2 settings of the MCP server could not be discovered.', {
        detail: `what the authorization server says of ${name} is too long`,
      })
  return columns
}
