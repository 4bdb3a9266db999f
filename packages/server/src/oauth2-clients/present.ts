import type * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { endpointOf } from './endpoints.ts'
import { redirectUrisOf } from './redirect-uris.ts'
import type { OAuthClient } from './store/clients.ts'

/** A client as administrators and users see it (OA-14). */
export function presentApp(
  context: Pick<AppContext, 'accessUrl'>,
  client: OAuthClient,
): contract.OAuth2ProviderApp {
  return {
    id: client.id,
    name: client.name,
    icon: client.icon,
    callback_url: client.callback_url,
    endpoints: {
      authorization: endpointOf(context, '/oauth2/authorize'),
      token: endpointOf(context, '/oauth2/tokens'),
      token_revoke: endpointOf(context, '/oauth2/revoke'),
      device_authorization: endpointOf(context, '/oauth2/device'),
    },
    redirect_uris: redirectUrisOf(client),
    client_type: client.client_type,
    dynamically_registered: client.dynamically_registered,
    metadata_url: client.metadata_url ?? '',
    client_uri: client.client_uri,
    scope: client.scope,
    require_pushed_authorization_requests: client.require_pushed_authorization_requests,
    remember_consent: client.remember_consent,
    created_at: client.created_at.toISOString(),
  }
}

/** A registration as its client reads it; empty members are left out (OA-36, OA-38). */
export function clientConfiguration(client: OAuthClient): contract.OAuth2ClientConfiguration {
  return {
    client_id: client.id,
    client_id_issued_at: seconds(client.client_id_issued_at),
    ...(client.client_type === 'public'
      ? {}
      : {
          client_secret_expires_at:
            client.client_secret_expires_at === null ? 0 : seconds(client.client_secret_expires_at),
        }),
    client_name: client.name,
    redirect_uris: client.redirect_uris,
    grant_types: client.grant_types.filter(isGrantType),
    response_types: client.response_types.filter(isResponseType),
    token_endpoint_auth_method: client.token_endpoint_auth_method,
    registration_client_uri: client.registration_client_uri,
    ...(client.application_type === null ? {} : { application_type: client.application_type }),
    ...(client.contacts.length === 0 ? {} : { contacts: client.contacts }),
    ...(client.jwks === null ? {} : { jwks: Object(client.jwks) }),
    ...textsOf(client),
  }
}

/** Members that are left out when they are empty. */
const TEXTS = [
  'scope',
  'client_uri',
  'logo_uri',
  'tos_uri',
  'policy_uri',
  'jwks_uri',
  'software_id',
  'software_version',
] as const

function textsOf(
  client: OAuthClient,
): Partial<Pick<contract.OAuth2ClientConfiguration, (typeof TEXTS)[number]>> {
  return Object.fromEntries(TEXTS.filter((name) => client[name] !== '').map((name) => [name, client[name]]))
}

function isGrantType(text: string): text is contract.OAuth2ProviderGrantType {
  return (
    text === 'authorization_code' || text === 'refresh_token' || text.startsWith('urn:ietf:params:oauth:')
  )
}

function isResponseType(text: string): text is contract.OAuth2ProviderResponseType {
  return text === 'code'
}

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1_000)
}
