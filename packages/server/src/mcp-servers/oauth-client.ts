import { createHash } from 'node:crypto'

import type { AppContext } from '../context.ts'
import type { OAuthClient } from './oauth/authorize.ts'
import { resourceOf } from './oauth/discover.ts'
import { callbackPath } from './oauth/register.ts'
import { openSecret } from './sealed.ts'
import type { ConfigRow } from './store/configs.ts'

/** The client of a config at its authorization server. @throws Error when its secret cannot be opened. */
export function oauthClientOf(
  context: Pick<AppContext, 'secrets' | 'accessUrl'>,
  row: ConfigRow,
): OAuthClient {
  return {
    client: {
      clientId: row.oauth2_client_id,
      clientSecret: openSecret(context, row, 'oauth2_client_secret') || undefined,
      authMethod: row.oauth2_token_auth_method || undefined,
    },
    authorizationUrl: row.oauth2_auth_url,
    tokenUrl: row.oauth2_token_url,
    redirectUri: `${context.accessUrl().replace(/\/+$/, '')}${callbackPath(row.id)}`,
    resource: row.oauth2_resource || resourceOf(row.url),
  }
}

/** Tells configs apart for whose tokens each other's would be wrong (OA-106, OA-110). */
export function destinationOf(row: ConfigRow): string {
  const fields = [
    row.url,
    row.auth_type,
    row.oauth2_client_id,
    row.oauth2_auth_url,
    row.oauth2_token_url,
    row.oauth2_revocation_url,
    row.oauth2_issuer,
    row.oauth2_resource,
  ]
  return createHash('sha256').update(JSON.stringify(fields)).digest('base64url')
}
