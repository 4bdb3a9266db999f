import { presentList, USER_SCHEMA } from './resource.ts'

/** Longest page of a list. */
export const MAX_RESULTS = 500

/** What the endpoints can do (RFC 7643, section 5). */
export function serviceProviderConfig(base: string): Record<string, unknown> {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MAX_RESULTS },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'The secret of --scim-auth-header as a bearer token',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  }
}

/** The resources that there are (RFC 7643, section 6). */
export function resourceTypes(base: string): Record<string, unknown> {
  return presentList(
    [
      {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
        id: 'User',
        name: 'User',
        endpoint: '/Users',
        description: 'People with an account',
        schema: USER_SCHEMA,
        meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/User` },
      },
    ],
    1,
    1,
  )
}

const text = (name: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  name,
  type: 'string',
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...more,
})

/** The attributes of a user that are kept (RFC 7643, section 7). */
export function schemas(base: string): Record<string, unknown> {
  return presentList(
    [
      {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
        id: USER_SCHEMA,
        name: 'User',
        description: 'An account',
        attributes: [
          text('userName', { required: true, uniqueness: 'server' }),
          text('displayName'),
          {
            ...text('name', { type: 'complex' }),
            subAttributes: [text('formatted'), text('givenName'), text('familyName')],
          },
          {
            ...text('emails', { type: 'complex', multiValued: true }),
            subAttributes: [text('value'), text('type'), text('primary', { type: 'boolean' })],
          },
          text('active', { type: 'boolean' }),
        ],
        meta: { resourceType: 'Schema', location: `${base}/Schemas/${USER_SCHEMA}` },
      },
    ],
    1,
    1,
  )
}
