import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { Group } from './groups.ts'
import { route } from './route.ts'

const tag = 'MCP Servers'

/** How an MCP server is spoken to. */
export const MCPServerTransport = Type.Enum(['streamable_http', 'sse'])
export type MCPServerTransport = Static<typeof MCPServerTransport>

/** What an MCP server is told about who calls (OA-103, OA-104). */
export const MCPServerAuthType = Type.Enum(['none', 'oauth2', 'api_key', 'custom_headers', 'user_oidc'])
export type MCPServerAuthType = Static<typeof MCPServerAuthType>

/** Whether a chat has a server always, unless it is taken out, or only when it is put in. */
export const MCPServerAvailability = Type.Enum(['force_on', 'default_on', 'default_off'])
export type MCPServerAvailability = Static<typeof MCPServerAvailability>

/** `unknown` before the first look; `needs_auth` answers, but to nobody without a connection of their own. */
export const MCPServerHealthStatus = Type.Enum(['unknown', 'healthy', 'needs_auth', 'unhealthy'])
export type MCPServerHealthStatus = Static<typeof MCPServerHealthStatus>

/** How the last look at a server went. */
export const MCPServerHealth = Type.Object({
  status: MCPServerHealthStatus,
  /** Null before the first look. */
  checked_at: Type.Union([Time, Type.Null()]),
  latency_ms: Type.Integer(),
  tool_count: Type.Integer(),
  /** Why it is not healthy; empty to those who do not see where the server is. */
  error: Type.String(),
  /** Looks in a row that failed. */
  consecutive_failures: Type.Integer(),
})
export type MCPServerHealth = Static<typeof MCPServerHealth>

/** An MCP server outside, as the caller may see it: no secret is ever in it (OA-100, OA-101). */
export const MCPServerConfig = Type.Object({
  id: Uuid,
  organization_id: Uuid,
  display_name: Type.String(),
  slug: Type.String(),
  description: Type.String(),
  icon_url: Type.String(),
  transport: Type.String(),
  url: Type.String(),
  auth_type: Type.String(),
  oauth2_client_id: Type.String(),
  has_oauth2_secret: Type.Boolean(),
  oauth2_auth_url: Type.String(),
  oauth2_token_url: Type.String(),
  oauth2_revocation_url: Type.String(),
  oauth2_scopes: Type.String(),
  /** Authorization server that was found by discovery; empty for one that was configured. */
  oauth2_issuer: Type.String(),
  api_key_header: Type.String(),
  has_api_key: Type.Boolean(),
  has_custom_headers: Type.Boolean(),
  tool_allow_list: Type.Array(Type.String()),
  tool_deny_list: Type.Array(Type.String()),
  availability: Type.String(),
  enabled: Type.Boolean(),
  model_intent: Type.Boolean(),
  allow_in_plan_mode: Type.Boolean(),
  forward_coder_headers: Type.Boolean(),
  /** Whether the caller has what the server asks of its users (OA-112). */
  auth_connected: Type.Boolean(),
  health: MCPServerHealth,
  created_at: Time,
  updated_at: Time,
})
export type MCPServerConfig = Static<typeof MCPServerConfig>

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }))
const flag = Type.Optional(Type.Boolean())
const url = text(2048)
const tools = Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 512 }))

const optionalFields = {
  description: text(4096),
  icon_url: url,
  oauth2_client_id: text(2048),
  oauth2_client_secret: text(4096),
  oauth2_auth_url: url,
  oauth2_token_url: url,
  oauth2_revocation_url: url,
  oauth2_scopes: text(4096),
  api_key_header: text(256),
  api_key_value: text(8192),
  custom_headers: Type.Optional(
    Type.Record(Type.String({ maxLength: 256 }), Type.String({ maxLength: 8192 }), { maxProperties: 32 }),
  ),
  tool_allow_list: tools,
  tool_deny_list: tools,
  enabled: flag,
  model_intent: flag,
  allow_in_plan_mode: flag,
  forward_coder_headers: flag,
}

/** OAuth fields are all given, or none: then they are discovered (OA-103, OA-107). */
export const CreateMCPServerConfigRequest = Type.Object({
  display_name: Type.String({ minLength: 1, maxLength: 128 }),
  slug: Type.String({ minLength: 1, maxLength: 64 }),
  url: Type.String({ minLength: 1, maxLength: 2048 }),
  transport: MCPServerTransport,
  auth_type: MCPServerAuthType,
  availability: MCPServerAvailability,
  ...optionalFields,
})
export type CreateMCPServerConfigRequest = Static<typeof CreateMCPServerConfigRequest>

/** What is left out stays as it is (OA-106). */
export const UpdateMCPServerConfigRequest = Type.Object({
  display_name: text(128),
  slug: text(64),
  url,
  transport: Type.Optional(MCPServerTransport),
  auth_type: Type.Optional(MCPServerAuthType),
  availability: Type.Optional(MCPServerAvailability),
  ...optionalFields,
})
export type UpdateMCPServerConfigRequest = Static<typeof UpdateMCPServerConfigRequest>

/** Role of an entry of an access list; empty takes the entry away. */
export const MCPServerConfigRole = Type.Enum(['read', ''])

export const MCPServerConfigUser = Type.Object({
  id: Uuid,
  username: Type.String(),
  name: Type.String(),
  avatar_url: Type.String(),
  role: MCPServerConfigRole,
})

/** A group with the number of its members and none of them. */
export const MCPServerConfigGroup = Type.Object({ ...Group.properties, role: MCPServerConfigRole })

export const MCPServerConfigACL = Type.Object({
  users: Type.Array(MCPServerConfigUser),
  groups: Type.Array(MCPServerConfigGroup),
})
export type MCPServerConfigACL = Static<typeof MCPServerConfigACL>

const Roles = Type.Optional(Type.Record(Type.String(), MCPServerConfigRole, { maxProperties: 1000 }))

/** Roles by id; entries that are not named stay (OA-113). */
export const UpdateMCPServerConfigACLRequest = Type.Object({ user_roles: Roles, group_roles: Roles })
export type UpdateMCPServerConfigACLRequest = Static<typeof UpdateMCPServerConfigACLRequest>

export const MCPServerOAuth2DisconnectResponse = Type.Object({
  token_revoked: Type.Boolean(),
  token_revocation_error: Type.Optional(Type.String()),
})
export type MCPServerOAuth2DisconnectResponse = Static<typeof MCPServerOAuth2DisconnectResponse>

/** With a tool, that is called as well: by its own name, and with the caller's credentials. */
export const TestMCPServerConfigRequest = Type.Object({
  tool: text(256),
  arguments: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { maxProperties: 256 })),
})
export type TestMCPServerConfigRequest = Static<typeof TestMCPServerConfigRequest>

/** What kept a server from being used. */
export const MCPServerErrorCode = Type.Enum([
  'address_not_allowed',
  'unreachable',
  'timeout',
  'not_connected',
  'unauthorized',
  'insufficient_scope',
  'protocol',
  'too_large',
  'unknown_tool',
])
export type MCPServerErrorCode = Static<typeof MCPServerErrorCode>

export const MCPServerError = Type.Object({ code: MCPServerErrorCode, message: Type.String() })

/** A tool as a chat would get it. */
export const MCPServerTool = Type.Object({
  /** As the server calls it; this is what allow and deny lists name (OA-115). */
  name: Type.String(),
  /** As models see it (OA-114). */
  exposed_name: Type.String(),
  title: Type.String(),
  description: Type.String(),
  input_schema: Type.Record(Type.String(), Type.Unknown()),
  read_only: Type.Boolean(),
  destructive: Type.Boolean(),
  /** Whether the lists of the config let chats have it. */
  offered: Type.Boolean(),
})
export type MCPServerTool = Static<typeof MCPServerTool>

export const TestMCPServerConfigResponse = Type.Object({
  ok: Type.Boolean(),
  /** Of connecting and listing, in milliseconds. */
  latency_ms: Type.Integer(),
  /** Revision of the protocol that was agreed on; empty when it did not come to that. */
  protocol_version: Type.String(),
  server_name: Type.String(),
  server_version: Type.String(),
  tools: Type.Array(MCPServerTool),
  error: Type.Optional(MCPServerError),
  /** What the tool gave, when one was to be called. */
  result: Type.Optional(
    Type.Object({
      is_error: Type.Boolean(),
      content: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    }),
  ),
})
export type TestMCPServerConfigResponse = Static<typeof TestMCPServerConfigResponse>

/** Who we are to authorization servers that read client metadata documents (OA-B24). */
export const MCPClientMetadata = Type.Object({
  client_id: Type.String(),
  client_name: Type.String(),
  client_uri: Type.String(),
  application_type: Type.String(),
  redirect_uris: Type.Array(Type.String()),
  grant_types: Type.Array(Type.String()),
  response_types: Type.Array(Type.String()),
  token_endpoint_auth_method: Type.String(),
})
export type MCPClientMetadata = Static<typeof MCPClientMetadata>

const LIST = '/api/experimental/organizations/{organization}/mcp-servers'
const ONE = `${LIST}/{mcpserverconfig}` as const

export const listMcpServerConfigs = route(`GET ${LIST}`, {
  id: 'list-mcp-server-configs',
  tag,
  responses: { 200: Type.Array(MCPServerConfig) },
})

export const createMcpServerConfig = route(`POST ${LIST}`, {
  id: 'create-mcp-server-config',
  tag,
  body: CreateMCPServerConfigRequest,
  responses: { 201: MCPServerConfig },
})

export const getMcpServerConfig = route(`GET ${ONE}`, {
  id: 'get-mcp-server-config',
  tag,
  responses: { 200: MCPServerConfig },
})

export const updateMcpServerConfig = route(`PATCH ${ONE}`, {
  id: 'update-mcp-server-config',
  tag,
  body: UpdateMCPServerConfigRequest,
  responses: { 200: MCPServerConfig },
})

export const deleteMcpServerConfig = route(`DELETE ${ONE}`, {
  id: 'delete-mcp-server-config',
  tag,
  responses: { 204: null },
})

export const getMcpServerConfigAcl = route(`GET ${ONE}/acl`, {
  id: 'get-mcp-server-config-acl',
  tag,
  responses: { 200: MCPServerConfigACL },
})

export const updateMcpServerConfigAcl = route(`PATCH ${ONE}/acl`, {
  id: 'update-mcp-server-config-acl',
  tag,
  body: UpdateMCPServerConfigACLRequest,
  responses: { 204: null },
})

/** Connects as a chat of the caller would, lists the tools and notes how it went. */
export const testMcpServerConfig = route(`POST ${ONE}/test`, {
  id: 'test-mcp-server-config',
  tag,
  body: TestMCPServerConfigRequest,
  responses: { 200: TestMCPServerConfigResponse },
})

/** For a browser: sends the caller to the authorization server (OA-109). */
export const connectMcpServer = route(`GET ${ONE}/oauth2/connect`, {
  id: 'initiate-mcp-server-oauth2-connect',
  tag,
  responses: { 307: null },
})

/** Where the authorization server sends people back to; the path is registered there (OA-110). */
export const mcpServerCallback = route('GET /api/experimental/mcp/servers/{mcpServer}/oauth2/callback', {
  id: 'handle-mcp-server-oauth2-callback',
  tag,
  query: Type.Object({
    code: text(8192),
    state: text(1024),
    iss: text(2048),
    error: text(1024),
    error_description: text(8192),
  }),
  responses: { 200: null },
})

export const disconnectMcpServer = route(
  'DELETE /api/experimental/mcp/servers/{mcpServer}/oauth2/disconnect',
  {
    id: 'disconnect-mcp-server-oauth2-token',
    tag,
    responses: { 200: MCPServerOAuth2DisconnectResponse },
  },
)

/** The client of one server, whose address is its client id; the answer is the same whether that server exists. */
export const mcpClientMetadata = route('GET /api/experimental/mcp/client-metadata/{mcpServer}', {
  id: 'get-mcp-client-metadata',
  tag,
  security: 'none',
  responses: { 200: MCPClientMetadata },
})
