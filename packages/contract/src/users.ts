import { type Static, Type } from 'typebox'

import { Name, Pagination, Response, Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Users'

/** How a user or a key signs in. */
export const LoginType = Type.Enum(['password', 'github', 'oidc', 'token', 'none', 'oauth2_provider_app'])
export type LoginType = Static<typeof LoginType>

/** Where a user stands. */
export const UserStatus = Type.Enum(['active', 'dormant', 'suspended'])

/** A role as lists show it. */
export const SlimRole = Type.Object({
  name: Type.String(),
  display_name: Type.String(),
  organization_id: Type.Optional(Type.String()),
})
export type SlimRole = Static<typeof SlimRole>

/** A user as others with the right to read users see them. */
export const User = Type.Object({
  id: Uuid,
  username: Type.String(),
  name: Type.String(),
  avatar_url: Type.String(),
  created_at: Time,
  updated_at: Time,
  email: Type.String(),
  last_seen_at: Time,
  status: UserStatus,
  login_type: LoginType,
  theme_preference: Type.String(),
  organization_ids: Type.Array(Uuid),
  roles: Type.Array(SlimRole),
  has_ai_seat: Type.Boolean(),
  is_service_account: Type.Boolean(),
})
export type User = Static<typeof User>

const Email = Type.String({ format: 'email', maxLength: 254 })
/** Longer than any password may be, so that the strength rule gives the answer and not the schema. */
const Password = Type.String({ minLength: 1, maxLength: 1024 })

export const CreateFirstUserRequest = Type.Object({
  email: Email,
  username: Name,
  password: Password,
  name: Type.Optional(Type.String()),
  /** Of trial licences, which nothing here needs; taken so that clients of the reference go on working (OP-151). */
  trial: Type.Optional(Type.Boolean()),
  trial_info: Type.Optional(
    Type.Object({
      first_name: Type.Optional(Type.String()),
      last_name: Type.Optional(Type.String()),
      phone_number: Type.Optional(Type.String()),
      job_title: Type.Optional(Type.String()),
      company_name: Type.Optional(Type.String()),
      country: Type.Optional(Type.String()),
      developers: Type.Optional(Type.String()),
    }),
  ),
  onboarding_info: Type.Optional(
    Type.Object({
      newsletter_marketing: Type.Optional(Type.Boolean()),
      newsletter_releases: Type.Optional(Type.Boolean()),
    }),
  ),
})

export const getFirstUser = route('GET /api/v2/users/first', {
  id: 'check-initial-user-created',
  tag,
  security: 'none',
  responses: { 200: Response },
})

export const createFirstUser = route('POST /api/v2/users/first', {
  id: 'create-initial-user',
  tag,
  security: 'none',
  body: CreateFirstUserRequest,
  responses: { 201: Type.Object({ user_id: Uuid, organization_id: Uuid }) },
})

export const login = route('POST /api/v2/users/login', {
  id: 'log-in-user',
  tag: 'Authorization',
  security: 'none',
  body: Type.Object({ email: Type.String({ minLength: 1, maxLength: 254 }), password: Password }),
  responses: { 201: Type.Object({ session_token: Type.String() }) },
})

export const logout = route('POST /api/v2/users/logout', {
  id: 'log-out-user',
  tag,
  responses: {
    200: Type.Object({
      ...Response.properties,
      /** Where the browser goes to be signed out of the identity provider as well (ID-220). */
      end_session_url: Type.Optional(Type.String()),
    }),
  },
})

export const getAuthMethods = route('GET /api/v2/users/authmethods', {
  id: 'get-authentication-methods',
  tag,
  security: 'none',
  responses: {
    200: Type.Object({
      terms_of_service_url: Type.Optional(Type.String()),
      password: Type.Object({ enabled: Type.Boolean() }),
      github: Type.Object({ enabled: Type.Boolean(), default_provider_configured: Type.Boolean() }),
      oidc: Type.Object({ enabled: Type.Boolean(), signInText: Type.String(), iconUrl: Type.String() }),
      /** Every way to sign in at a provider, in the order of the sign-in page. */
      providers: Type.Array(
        Type.Object({
          id: Type.String(),
          kind: Type.Enum(['oidc', 'github']),
          display_name: Type.String(),
          icon: Type.String(),
          /** Where the sign-in starts. */
          url: Type.String(),
          /** Domains of the addresses that belong there, where the operator lets everybody know them (L-28). */
          email_domains: Type.Array(Type.String()),
        }),
      ),
    }),
  },
})

export const validatePassword = route('POST /api/v2/users/validate-password', {
  id: 'validate-user-password',
  tag: 'Authorization',
  security: 'none',
  body: Type.Object({ password: Type.String({ maxLength: 1024 }) }),
  responses: { 200: Type.Object({ valid: Type.Boolean(), details: Type.String() }) },
})

/** A group as lists of users show it. */
export const UserGroup = Type.Object({
  id: Uuid,
  name: Type.String(),
  display_name: Type.String(),
  avatar_url: Type.String(),
  organization_id: Uuid,
  organization_name: Type.String(),
})
export type UserGroup = Static<typeof UserGroup>

/** A user of a list. */
export const ListedUser = Type.Object({
  ...User.properties,
  /**
   * Where `include_groups` asks for them: the groups that the user was put into and whose rosters the caller may read, by
   * name. At most a hundred.
   */
  groups: Type.Optional(Type.Array(UserGroup)),
})
export type ListedUser = Static<typeof ListedUser>

export const listUsers = route('GET /api/v2/users', {
  id: 'get-users',
  tag,
  query: Type.Object({
    q: Type.Optional(Type.String({ maxLength: 2048 })),
    include_groups: Type.Optional(Type.Boolean()),
    ...Pagination,
  }),
  responses: { 200: Type.Object({ users: Type.Array(ListedUser), count: Type.Integer() }) },
})

export const createUser = route('POST /api/v2/users', {
  id: 'create-user',
  tag,
  body: Type.Object({
    username: Name,
    email: Type.Optional(Type.Union([Email, Type.Literal('')])),
    name: Type.Optional(Type.String()),
    password: Type.Optional(Type.String({ maxLength: 1024 })),
    login_type: Type.Optional(Type.Union([LoginType, Type.Literal('')])),
    user_status: Type.Optional(UserStatus),
    organization_ids: Type.Optional(Type.Array(Uuid, { maxItems: 100 })),
    organization_id: Type.Optional(Uuid),
    service_account: Type.Optional(Type.Boolean()),
    roles: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
  }),
  responses: { 201: User },
})

export const getUser = route('GET /api/v2/users/{user}', {
  id: 'get-user-by-name',
  tag,
  responses: { 200: User },
})

export const deleteUser = route('DELETE /api/v2/users/{user}', {
  id: 'delete-user',
  tag,
  responses: { 200: Response },
})

export const updateProfile = route('PUT /api/v2/users/{user}/profile', {
  id: 'update-user-profile',
  tag,
  body: Type.Object({
    username: Name,
    name: Type.Optional(Type.String()),
    avatar_url: Type.Optional(Type.String({ maxLength: 2048 })),
  }),
  responses: { 200: User },
})

export const suspendUser = route('PUT /api/v2/users/{user}/status/suspend', {
  id: 'suspend-user-account',
  tag,
  responses: { 200: User },
})

export const activateUser = route('PUT /api/v2/users/{user}/status/activate', {
  id: 'activate-user-account',
  tag,
  responses: { 200: User },
})

export const updatePassword = route('PUT /api/v2/users/{user}/password', {
  id: 'update-user-password',
  tag,
  body: Type.Object({ old_password: Type.Optional(Type.String({ maxLength: 1024 })), password: Password }),
  responses: { 204: null },
})

export const getLoginType = route('GET /api/v2/users/{user}/login-type', {
  id: 'get-user-login-type',
  tag,
  responses: { 200: Type.Object({ login_type: LoginType }) },
})
