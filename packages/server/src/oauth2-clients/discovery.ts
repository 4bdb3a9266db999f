import type { OAuth2AuthorizationServerMetadata, OAuth2ProtectedResourceMetadata } from '@slipway/contract'
import { PUBLIC_SCOPES, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { DPOP_ALGORITHMS, isMcpEndpoint, MCP_ENDPOINT } from '../edge/index.ts'
import { endpointOf, issuerOf } from './endpoints.ts'
import { readOAuthSettings } from './store/settings.ts'

const actor = systemActor('system_oauth', 'what the authorization server can do is told to anybody')

const METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const

/** Metadata of the authorization server as its settings are at this moment (RFC 8414; OA-25, OA-28, OA-29). */
export async function authorizationServerMetadata(
  context: AppContext,
): Promise<OAuth2AuthorizationServerMetadata> {
  const settings = await readOAuthSettings(actor, context.database.db)
  return {
    issuer: issuerOf(context),
    authorization_endpoint: endpointOf(context, '/oauth2/authorize'),
    token_endpoint: endpointOf(context, '/oauth2/tokens'),
    revocation_endpoint: endpointOf(context, '/oauth2/revoke'),
    ...(settings.dynamic_client_registration_enabled
      ? { registration_endpoint: endpointOf(context, '/oauth2/register') }
      : {}),
    introspection_endpoint: endpointOf(context, '/oauth2/introspect'),
    device_authorization_endpoint: endpointOf(context, '/oauth2/device'),
    pushed_authorization_request_endpoint: endpointOf(context, '/oauth2/par'),
    require_pushed_authorization_requests: settings.require_pushed_authorization_requests,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: [...PUBLIC_SCOPES],
    token_endpoint_auth_methods_supported: [...METHODS],
    revocation_endpoint_auth_methods_supported: [...METHODS],
    introspection_endpoint_auth_methods_supported: [...METHODS],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: documentsAreTaken(context),
    dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
  }
}

/** An operator switches documents of clients off by denying all hosts (OA-B13). */
function documentsAreTaken({ config }: AppContext): boolean {
  return !config.oauth2ClientDocumentDeniedHosts.includes('*')
}

/**
 * Metadata of the resource at a path (RFC 9728; OA-30): the MCP server is one of its own (OA-B2), everything else is the
 * deployment.
 *
 * @param path with its slash; empty for the root.
 */
export function protectedResourceMetadata(
  context: AppContext,
  path: string,
): OAuth2ProtectedResourceMetadata {
  const isMcp = isMcpEndpoint(path)
  return {
    resource: isMcp ? endpointOf(context, MCP_ENDPOINT) : context.accessUrl(),
    authorization_servers: [issuerOf(context)],
    scopes_supported: [...PUBLIC_SCOPES],
    bearer_methods_supported:
      !isMcp && context.config.allowQueryTokens === 'all' ? ['header', 'query'] : ['header'],
    dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
  }
}
