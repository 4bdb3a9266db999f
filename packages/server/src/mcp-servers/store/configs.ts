import { type Insertable, type Selectable, sql } from 'kysely'

import { type Actor, accessListOf, authorize, isAllowed, type ResourceObject } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { McpServerConfigsTable } from '../../database/tables.ts'
import { badRequest, conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'

/** A stored config; its secrets are sealed. */
export type ConfigRow = Selectable<McpServerConfigsTable>

/** Configs of one organization: lists look at all of them. */
const MAX_CONFIGS = 500

/** What permissions speak of. */
export function configObject(
  row: Pick<ConfigRow, 'id' | 'organization_id' | 'user_acl' | 'group_acl'>,
): ResourceObject {
  return {
    type: 'mcp_server_config',
    id: row.id,
    organization: row.organization_id,
    userAcl: accessListOf(row.user_acl),
    groupAcl: accessListOf(row.group_acl),
  }
}

/** A config and how much of it the actor sees (OA-101). */
export interface VisibleConfig {
  readonly row: ConfigRow
  /** Everything but secrets; otherwise not where the server is and how it is signed in to. */
  readonly full: boolean
}

/** Whether the actor sees everything of an organization's configs, also of those that are off (OA-101). */
function seesAll(actor: Actor, organization: string, id?: string): boolean {
  const object: ResourceObject = { type: 'mcp_server_config', organization, id }
  if (isAllowed(actor, 'read', object) && isAllowed(actor, 'update', object)) return true
  return isAllowed(actor, 'read', { type: 'audit_log', organization }) && scopeLets(actor, object)
}

/** Whether the credential lets configs be read, whatever the roles say. */
function scopeLets(actor: Actor, object: ResourceObject): boolean {
  const everything = [{ name: 'any', definition: { displayName: 'Any', site: { '*': ['*' as const] } } }]
  return isAllowed({ ...actor, roles: everything }, 'read', object)
}

/** Whether the actor manages a config, and so sees it while it is off. */
function manages(actor: Actor, row: ConfigRow): boolean {
  const object = configObject(row)
  return (['update', 'delete', 'share'] as const).some((action) => isAllowed(actor, action, object))
}

/** The configs of an organization that the actor sees, by name (OA-101). */
export async function listConfigs(actor: Actor, db: Db, organizationId: string): Promise<VisibleConfig[]> {
  const rows = await db
    .selectFrom('mcp_server_configs')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy(sql`lower(display_name)`)
    .orderBy('id')
    .limit(MAX_CONFIGS)
    .execute()
  return rows.flatMap((row) => {
    const full = seesAll(actor, organizationId, row.id)
    const granted = isAllowed(actor, 'read', configObject(row)) && (row.enabled || manages(actor, row))
    return full || granted ? [{ row, full }] : []
  })
}

/** One config of an organization. @throws ApiError 404 when the actor does not see it (OA-101, OA-102). */
export async function getConfig(
  actor: Actor,
  db: Db,
  organizationId: string,
  id: string,
): Promise<VisibleConfig> {
  const row = await db
    .selectFrom('mcp_server_configs')
    .selectAll()
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', configObject(row))) throw notFound()
  const full = seesAll(actor, organizationId, row.id)
  if (!full && !row.enabled && !manages(actor, row)) throw notFound()
  return { row, full }
}

/** A config by its id alone, for who may use it in a chat or comes back from its provider. @throws ApiError 404. */
export async function findConfig(actor: Actor, db: Db, id: string): Promise<ConfigRow> {
  const row = await db.selectFrom('mcp_server_configs').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', configObject(row))) throw notFound()
  return row
}

/** Those of these configs that are on and that the actor may read, by name (OA-113). */
export async function listEnabledConfigs(
  actor: Actor,
  db: Db,
  ids: readonly string[] | 'all',
): Promise<ConfigRow[]> {
  let query = db.selectFrom('mcp_server_configs').selectAll().where('enabled', '=', true)
  if (ids !== 'all') query = query.where(sql<boolean>`id = any(${[...ids]}::uuid[])`)
  const rows = await query.orderBy('slug').orderBy('id').execute()
  return rows.filter((row) => isAllowed(actor, 'read', configObject(row)))
}

/**
 * Holds a config until the transaction ends (OA-106).
 *
 * @throws ApiError 404 for all that the actor may not do this to, so that nobody learns of what is not theirs (OA-102).
 */
export async function holdConfig(
  actor: Actor,
  tx: Db,
  organizationId: string,
  id: string,
  action: 'update' | 'delete' | 'share',
): Promise<ConfigRow> {
  const row = await tx
    .selectFrom('mcp_server_configs')
    .selectAll()
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, action, configObject(row))) throw notFound()
  return row
}

/** Requires that a new config fits in. @throws ApiError 403, 409 for a slug that is taken, 400 when there are too many. */
export async function requireRoomFor(
  actor: Actor,
  db: Db,
  organizationId: string,
  slug: string,
): Promise<void> {
  authorize(actor, 'create', { type: 'mcp_server_config', organization: organizationId })
  const row = await db
    .selectFrom('mcp_server_configs')
    .select([
      sql<number>`count(*)::integer`.as('total'),
      sql<boolean>`coalesce(bool_or(slug = ${slug}), false)`.as('taken'),
    ])
    .where('organization_id', '=', organizationId)
    .executeTakeFirstOrThrow()
  if (row.taken) throw slugTaken()
  if (row.total >= MAX_CONFIGS)
    throw badRequest(`An organization can have at most ${MAX_CONFIGS} MCP servers.`)
}

/** Stores a new config (OA-103). @throws ApiError 403 without `mcp_server_config:create`, 409 for a slug that is taken. */
export async function insertConfig(
  actor: Actor,
  db: Db,
  config: Insertable<McpServerConfigsTable>,
): Promise<ConfigRow> {
  authorize(actor, 'create', { type: 'mcp_server_config', organization: config.organization_id })
  return orSlugTaken(() =>
    db.insertInto('mcp_server_configs').values(config).returningAll().executeTakeFirstOrThrow(),
  )
}

/** What a change of a config may set. */
export type ConfigChange = Partial<
  Omit<ConfigRow, 'id' | 'organization_id' | 'created_at' | 'updated_at' | 'user_acl' | 'group_acl'>
>

/** Stores a change of a held config. @throws ApiError 403 without `mcp_server_config:update`, 409 for a taken slug. */
export async function updateConfig(
  actor: Actor,
  tx: Db,
  held: ConfigRow,
  change: ConfigChange,
): Promise<ConfigRow> {
  authorize(actor, 'update', configObject(held))
  return orSlugTaken(() =>
    tx
      .updateTable('mcp_server_configs')
      .set({ ...change, updated_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', held.id)
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
}

/** Stores the access list of a held config (OA-113). @throws ApiError 403 without `mcp_server_config:share`. */
export async function storeConfigLists(
  actor: Actor,
  tx: Db,
  held: ConfigRow,
  lists: {
    readonly users: Readonly<Record<string, readonly string[]>>
    readonly groups: Readonly<Record<string, readonly string[]>>
  },
): Promise<ConfigRow> {
  authorize(actor, 'share', configObject(held))
  return tx
    .updateTable('mcp_server_configs')
    .set({
      user_acl: JSON.stringify(lists.users),
      group_acl: JSON.stringify(lists.groups),
      updated_at: sql<Date>`clock_timestamp()`,
    })
    .where('id', '=', held.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Removes a held config with all that users have stored for it. @throws ApiError 403 without `mcp_server_config:delete`. */
export async function deleteConfig(actor: Actor, tx: Db, held: ConfigRow): Promise<void> {
  authorize(actor, 'delete', configObject(held))
  await tx.deleteFrom('mcp_server_configs').where('id', '=', held.id).execute()
}

async function orSlugTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (violatedUnique(error) === 'mcp_server_configs_slug') throw slugTaken()
    throw error
  }
}

function slugTaken() {
  return conflict('An MCP server with this slug already exists in the organization.', {
    validations: [{ field: 'slug', detail: UNIQUE_DETAIL }],
  })
}
