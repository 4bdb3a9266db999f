import { type Static, Type } from 'typebox'

import { route } from './route.ts'

const tag = 'Enterprise'
const MAX = 1024

/** Entra ID writes booleans as words. */
const Flag = Type.Union([Type.Boolean(), Type.Enum(['True', 'False', 'true', 'false'])])
const Text = Type.String({ maxLength: MAX })

/** A user as an identity provider sends them (RFC 7643, section 4.1); attributes that we do not keep are passed over. */
export const SCIMUserRequest = Type.Object({
  schemas: Type.Optional(Type.Array(Text, { maxItems: 16 })),
  externalId: Type.Optional(Type.Union([Text, Type.Null()])),
  userName: Type.Optional(Text),
  displayName: Type.Optional(Type.Union([Text, Type.Null()])),
  name: Type.Optional(
    Type.Object({
      formatted: Type.Optional(Type.Union([Text, Type.Null()])),
      givenName: Type.Optional(Type.Union([Text, Type.Null()])),
      familyName: Type.Optional(Type.Union([Text, Type.Null()])),
    }),
  ),
  emails: Type.Optional(
    Type.Array(
      Type.Object({
        value: Text,
        primary: Type.Optional(Flag),
        type: Type.Optional(Text),
        display: Type.Optional(Text),
      }),
      { maxItems: 32 },
    ),
  ),
  active: Type.Optional(Flag),
  /** Ours to say: passed over. */
  id: Type.Optional(Type.Unknown()),
  groups: Type.Optional(Type.Unknown()),
  meta: Type.Optional(Type.Unknown()),
})
export type SCIMUserRequest = Static<typeof SCIMUserRequest>

/** A change of a user: operations (RFC 7644, section 3.5.2), or what earlier clients send, a user with what changes. */
export const SCIMPatchRequest = Type.Object({
  ...SCIMUserRequest.properties,
  Operations: Type.Optional(
    Type.Array(
      Type.Object({
        op: Type.String({ maxLength: 16 }),
        path: Type.Optional(Text),
        value: Type.Optional(Type.Unknown()),
      }),
      { minItems: 1, maxItems: 100 },
    ),
  ),
})
export type SCIMPatchRequest = Static<typeof SCIMPatchRequest>

/** A user as identity providers see them (RFC 7643, section 4.1). */
export const SCIMUser = Type.Object({
  schemas: Type.Array(Type.String()),
  id: Type.String(),
  /** What the identity provider calls the user; left out unless it has said so. */
  externalId: Type.Optional(Type.String()),
  userName: Type.String(),
  displayName: Type.String(),
  name: Type.Object({
    formatted: Type.String(),
    givenName: Type.Optional(Type.String()),
    familyName: Type.Optional(Type.String()),
  }),
  emails: Type.Array(
    Type.Object({
      value: Type.String(),
      primary: Type.Boolean(),
      type: Type.String(),
      display: Type.String(),
    }),
  ),
  /** Groups come with sign-ins, not by SCIM. */
  groups: Type.Array(Type.Unknown()),
  active: Type.Boolean(),
  meta: Type.Object({
    resourceType: Type.String(),
    created: Type.String({ format: 'date-time' }),
    lastModified: Type.String({ format: 'date-time' }),
    location: Type.String(),
  }),
})
export type SCIMUser = Static<typeof SCIMUser>

/** A page of users (RFC 7644, section 3.4.2); without attributes that were not asked for. */
export const SCIMUserList = Type.Object({
  schemas: Type.Array(Type.String()),
  totalResults: Type.Integer(),
  /** Of the first user of the page; the first one of all is 1. */
  startIndex: Type.Integer(),
  itemsPerPage: Type.Integer(),
  Resources: Type.Array(Type.Partial(SCIMUser)),
})
export type SCIMUserList = Static<typeof SCIMUserList>

/** Documents that say what the endpoints can do (RFC 7644, section 4). */
const Discovery = Type.Record(Type.String(), Type.Unknown())

const Shape = {
  /** Attributes that are wanted, or not, separated by commas. */
  attributes: Type.Optional(Text),
  excludedAttributes: Type.Optional(Text),
}

export const getSCIMServiceProviderConfig = route('GET /scim/v2/ServiceProviderConfig', {
  id: 'scim-get-service-provider-config',
  tag,
  security: 'none',
  errors: 'scim',
  responses: { 200: Discovery },
})

export const listSCIMResourceTypes = route('GET /scim/v2/ResourceTypes', {
  id: 'scim-get-resource-types',
  tag,
  security: 'none',
  errors: 'scim',
  responses: { 200: Discovery },
})

export const listSCIMSchemas = route('GET /scim/v2/Schemas', {
  id: 'scim-get-schemas',
  tag,
  security: 'none',
  errors: 'scim',
  responses: { 200: Discovery },
})

export const listSCIMUsers = route('GET /scim/v2/Users', {
  id: 'scim-get-users',
  tag,
  security: 'none',
  errors: 'scim',
  query: Type.Object({
    filter: Type.Optional(Text),
    startIndex: Type.Optional(Type.Integer({ maximum: 2147483647 })),
    count: Type.Optional(Type.Integer({ maximum: 2147483647 })),
    ...Shape,
  }),
  responses: { 200: SCIMUserList },
})

export const createSCIMUser = route('POST /scim/v2/Users', {
  id: 'scim-create-new-user',
  tag,
  security: 'none',
  errors: 'scim',
  body: SCIMUserRequest,
  responses: { 200: SCIMUser, 201: SCIMUser },
})

export const getSCIMUser = route('GET /scim/v2/Users/{id}', {
  id: 'scim-get-user-by-id',
  tag,
  security: 'none',
  errors: 'scim',
  query: Type.Object(Shape),
  responses: { 200: Type.Partial(SCIMUser) },
})

export const replaceSCIMUser = route('PUT /scim/v2/Users/{id}', {
  id: 'scim-replace-user-status',
  tag,
  security: 'none',
  errors: 'scim',
  body: SCIMUserRequest,
  responses: { 200: SCIMUser },
})

export const patchSCIMUser = route('PATCH /scim/v2/Users/{id}', {
  id: 'scim-update-user-status',
  tag,
  security: 'none',
  errors: 'scim',
  body: SCIMPatchRequest,
  responses: { 200: SCIMUser },
})
