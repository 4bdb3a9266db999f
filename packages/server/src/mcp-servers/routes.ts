import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, forPage, forSession, type SessionRequest } from '../edge/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { changeConfigLists, configLists } from './config-lists.ts'
import { disconnect, finishConnection, startConnection } from './connect.ts'
import { changeConfig, createConfig, type ManageParts, removeConfig } from './manage-configs.ts'
import type { McpServers } from './mcp-servers.ts'
import { clientMetadata } from './oauth/register.ts'
import { presentConfig } from './present.ts'
import { type ConfigRow, getConfig, listConfigs, type VisibleConfig } from './store/configs.ts'
import { listHealth } from './store/health.ts'
import { testServer } from './test-server.ts'

/** Tests and discoveries ask servers outside, for whoever may. */
const OUTSIDE = { perMinute: 30 }

/** MCP servers outside, and the connections of users to them (OA §16). */
export function mcpServerRoutes(context: AppContext, servers: McpServers): BoundRoute[] {
  const { db } = context.database
  const parts: ManageParts = { context, guarded: servers.guarded }
  const placeOf = async ({ actor, params }: Pick<SessionRequest, 'actor' | 'params'>) => ({
    organizationId: (await getOrganization(actor, db, params.organization ?? '')).id,
    id: params.mcpserverconfig ?? '',
  })
  const presented = async (actor: Actor, configs: readonly VisibleConfig[]) => {
    const rows = configs.map(({ row }) => row)
    const [connected, health] = await Promise.all([
      servers.tokens.connected(actor.id, rows),
      listHealth(actor, db, rows),
    ])
    return configs.map((config) =>
      presentConfig(config, { connected: connected.has(config.row.id), health: health.get(config.row.id) }),
    )
  }
  const presentedOne = async (actor: Actor, config: VisibleConfig) => {
    const [one] = await presented(actor, [config])
    if (one === undefined) throw new Error('a config was not presented')
    return one
  }
  return [
    forSession(contract.listMcpServerConfigs, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      return presented(actor, await listConfigs(actor, db, organization.id))
    }),
    forSession(
      contract.createMcpServerConfig,
      (incoming) =>
        audited(context, incoming, { type: 'mcp_server_config', action: 'create' }, async (draft) => {
          const { actor, params, body, reply } = incoming
          const organization = await getOrganization(actor, db, params.organization ?? '')
          const row = await createConfig(parts, actor, organization.id, body)
          draft.after = auditable(row)
          reply.code(201)
          return presentedOne(actor, { row, full: true })
        }),
      OUTSIDE,
    ),
    forSession(contract.getMcpServerConfig, async (incoming) => {
      const { organizationId, id } = await placeOf(incoming)
      return presentedOne(incoming.actor, await getConfig(incoming.actor, db, organizationId, id))
    }),
    forSession(
      contract.updateMcpServerConfig,
      (incoming) =>
        audited(context, incoming, { type: 'mcp_server_config', action: 'write' }, async (draft) => {
          const { actor, body } = incoming
          const of = await placeOf(incoming)
          const { row } = await getConfig(actor, db, of.organizationId, of.id)
          draft.before = auditable(row)
          const { before, after } = await changeConfig(parts, actor, of, body)
          draft.before = auditable(before)
          draft.after = auditable(after)
          const { full } = await getConfig(actor, db, of.organizationId, of.id)
          return presentedOne(actor, { row: after, full })
        }),
      OUTSIDE,
    ),
    forSession(contract.deleteMcpServerConfig, (incoming) =>
      audited(context, incoming, { type: 'mcp_server_config', action: 'delete' }, async (draft) => {
        const { actor, reply } = incoming
        const of = await placeOf(incoming)
        const { row } = await getConfig(actor, db, of.organizationId, of.id)
        draft.before = auditable(row)
        draft.before = auditable(await removeConfig(parts, actor, of))
        reply.code(204)
        return undefined
      }),
    ),
    forSession(contract.getMcpServerConfigAcl, async (incoming) =>
      configLists(context, incoming.actor, await placeOf(incoming)),
    ),
    forSession(contract.updateMcpServerConfigAcl, (incoming) =>
      audited(context, incoming, { type: 'mcp_server_config', action: 'write' }, async (draft) => {
        const { actor, body, reply } = incoming
        const of = await placeOf(incoming)
        const { row } = await getConfig(actor, db, of.organizationId, of.id)
        draft.before = auditable(row)
        const { before, after } = await changeConfigLists(context, actor, of, body)
        draft.before = auditable(before)
        draft.after = auditable(after)
        reply.code(204)
        return undefined
      }),
    ),
    forSession(
      contract.testMcpServerConfig,
      async (incoming) =>
        testServer(context, servers, incoming.actor, await placeOf(incoming), incoming.body),
      OUTSIDE,
    ),
    forPage(contract.connectMcpServer, async (incoming) => {
      await startConnection(parts, incoming.actor, await placeOf(incoming), incoming.reply)
      return undefined
    }),
    forPage(contract.mcpServerCallback, async ({ actor, params, query, raw, reply }) => {
      const { cookieValues } = raw
      await finishConnection(parts, actor, params.mcpServer ?? '', { query, cookieValues, reply })
      return undefined
    }),
    forSession(contract.disconnectMcpServer, ({ actor, params }) =>
      disconnect(parts, actor, params.mcpServer ?? ''),
    ),
    forAnyone(contract.mcpClientMetadata, async ({ params, reply }) => {
      reply.header('Cache-Control', 'public, max-age=3600')
      return clientMetadata(context.accessUrl(), params.mcpServer ?? '')
    }),
  ]
}

/** A row as the audit log shows it, without what may be a credential in its address (OA-114). */
function auditable(row: ConfigRow): ConfigRow {
  const url = URL.parse(row.url)
  if (url === null) return row
  if (url.username !== '') url.username = '***'
  if (url.password !== '') url.password = '***'
  for (const name of new Set(url.searchParams.keys())) url.searchParams.set(name, '***')
  return { ...row, url: url.username + url.search === '' ? row.url : url.href }
}
