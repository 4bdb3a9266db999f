import { type Expression, type SqlBool, sql } from 'kysely'

import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, type Validation } from '../errors/index.ts'
import { findNamedGroup } from '../groups/index.ts'
import { getOrganization, knownUserId } from '../organizations/index.ts'
import { containing, SearchQuery } from '../search/index.ts'

const STATUSES = [
  'pending',
  'starting',
  'running',
  'stopping',
  'stopped',
  'failed',
  'canceling',
  'canceled',
  'deleting',
  'deleted',
] as const
const AGENT_STATUSES = ['connecting', 'connected', 'disconnected', 'timeout'] as const

type Condition = Expression<SqlBool>

/** What a search text asks for. */
export interface WorkspaceSearch {
  readonly conditions: readonly Condition[]
  /** Metadata that agents are shown with; no condition. */
  readonly metadataKeys: readonly string[]
}

/**
 * Turns a search text into conditions on the rows of `listWorkspaces` (WS-151): `w` workspace, `u` owner,
 * `t` template, `b` latest build, `j` its job.
 *
 * @throws ApiError 400 with one validation for each fault.
 */
export async function readSearch(context: AppContext, actor: Actor, text: string): Promise<WorkspaceSearch> {
  const query = new SearchQuery(text)
  const faults: Validation[] = []
  const conditions: Condition[] = [...bareConditions(actor, query.text, faults)]
  const add = <T>(value: T | undefined, condition: (value: T) => Condition): void => {
    if (value !== undefined) conditions.push(condition(value))
  }
  add(query.uuids('id'), (ids) => sql<SqlBool>`w.id = any(${ids}::uuid[])`)
  add(query.one('owner'), (owner) => ownerCondition(actor, owner))
  add(query.one('name'), (name) => sql<SqlBool>`w.name ilike ${containing(name)}`)
  add(query.one('template'), (name) => sql<SqlBool>`lower(t.name) = ${name}`)
  add(query.choices('status', STATUSES), (statuses) => any(statuses.map(statusCondition)))
  add(agentStatuses(query), agentCondition)
  add(query.flag('dormant'), (dormant) =>
    dormant ? sql<SqlBool>`w.dormant_at is not null` : sql<SqlBool>`true`,
  )
  add(
    query.flag('outdated'),
    (outdated) => sql<SqlBool>`(b.template_version_id <> t.active_version_id) = ${outdated}`,
  )
  add(query.time('last_used_before'), (time) => sql<SqlBool>`w.last_used_at <= ${time}`)
  add(query.time('last_used_after'), (time) => sql<SqlBool>`w.last_used_at >= ${time}`)
  add(
    query.flag('has-ai-task'),
    // Those of deleted tasks too (WS-243).
    (flag) => sql<SqlBool>`exists (select 1 from tasks k where k.workspace_id = w.id) = ${flag}`,
  )
  add(query.flag('has_external_agent'), (flag) => sql<SqlBool>`b.has_external_agent = ${flag}`)
  add(query.flag('shared'), (shared) => sql<SqlBool>`(w.user_acl <> '{}' or w.group_acl <> '{}') = ${shared}`)
  const sharedWithUser = query.one('shared_with_user')
  const sharedWithGroup = query.one('shared_with_group')
  conditions.push(...parameterConditions(query.list('param') ?? [], faults))
  const organization = query.one('organization')
  const metadataKeys = query.list('include_agent_metadata') ?? []
  const all = [...faults, ...query.finish()]
  if (all.length > 0) throw badRequest('Invalid workspace search query.', { validations: all })
  if (organization !== undefined)
    conditions.push(
      sql<SqlBool>`w.organization_id = ${await organizationId(context, actor, organization)}::uuid`,
    )
  if (sharedWithUser !== undefined)
    conditions.push(sql<SqlBool>`w.user_acl ? ${await userId(context, actor, sharedWithUser)}`)
  if (sharedWithGroup !== undefined)
    conditions.push(sql<SqlBool>`w.group_acl ? ${await groupId(context, actor, sharedWithGroup)}`)
  return { conditions, metadataKeys }
}

async function organizationId(context: AppContext, actor: Actor, reference: string): Promise<string> {
  try {
    return (await getOrganization(actor, context.database.db, reference)).id
  } catch (error) {
    throw hiddenIfAbsent(error, 'organization', 'organization', reference)
  }
}

async function userId(context: AppContext, actor: Actor, reference: string): Promise<string> {
  // A key that may read nothing but workspaces still knows whose it is.
  if (reference === 'me' || reference === actor.id) return actor.id
  try {
    return await knownUserId(context, actor, reference)
  } catch (error) {
    throw hiddenIfAbsent(error, 'shared_with_user', 'user', reference)
  }
}

async function groupId(context: AppContext, actor: Actor, reference: string): Promise<string> {
  const group = await findNamedGroup(context, actor, reference)
  if (group === undefined) throw hidden('shared_with_group', 'group', reference)
  return group.id
}

/** RB-70: what does not exist and what may not be read is the same fault. */
function hidden(field: string, kind: string, reference: string): ApiError {
  return badRequest('Invalid workspace search query.', {
    validations: [
      {
        field,
        detail: `${kind} ${JSON.stringify(reference)} either does not exist, or you are unauthorized to view it`,
      },
    ],
  })
}

function hiddenIfAbsent(error: unknown, field: string, kind: string, reference: string): unknown {
  return error instanceof ApiError && error.status === 404 ? hidden(field, kind, reference) : error
}

function ownerCondition(actor: Actor, owner: string): Condition {
  return owner === 'me'
    ? sql<SqlBool>`w.owner_id = ${actor.id}::uuid`
    : sql<SqlBool>`lower(u.username) = ${owner}`
}

function bareConditions(actor: Actor, text: string | undefined, faults: Validation[]): Condition[] {
  if (text === undefined) return []
  const parts = text.split('/')
  if (parts.length > 2) {
    faults.push({ field: 'q', detail: `Query element ${JSON.stringify(text)} can only contain 1 '/'` })
    return []
  }
  const [first = '', second] = parts
  if (second === undefined) return [sql<SqlBool>`w.name ilike ${containing(first)}`]
  return [ownerCondition(actor, first), sql<SqlBool>`w.name ilike ${containing(second)}`]
}

function statusCondition(status: (typeof STATUSES)[number]): Condition {
  const of = (transition: string, job: string): Condition =>
    sql<SqlBool>`(b.transition::text = ${transition} and j.job_status::text = ${job})`
  switch (status) {
    case 'starting':
      return of('start', 'running')
    case 'stopping':
      return of('stop', 'running')
    case 'deleting':
      return of('delete', 'running')
    case 'running':
      return of('start', 'succeeded')
    case 'stopped':
      return of('stop', 'succeeded')
    case 'deleted':
      return of('delete', 'succeeded')
    case 'pending':
    case 'failed':
    case 'canceling':
    case 'canceled':
      return sql<SqlBool>`j.job_status::text = ${status}`
  }
}

/** The agent states that are asked for; `healthy` only names some of them in another way. */
function agentStatuses(query: SearchQuery): (typeof AGENT_STATUSES)[number][] | undefined {
  const named = query.choices('has-agent', AGENT_STATUSES)
  const healthy = query.flag('healthy')
  if (healthy === undefined) return named
  return [...(named ?? []), ...(healthy ? (['connected'] as const) : (['disconnected', 'timeout'] as const))]
}

/** The states of AC §2.1 in SQL: any agent of a latest start build is in one of them. */
function agentCondition(statuses: readonly (typeof AGENT_STATUSES)[number][]): Condition {
  return sql<SqlBool>`(b.transition = 'start' and exists (
    select 1 from workspace_agents a join workspace_resources r on r.id = a.resource_id
     where r.job_id = b.job_id and not a.deleted
       and agent_status(a)::text = any(${[...statuses]}::text[])))`
}

/** `param:<name>` and `param:<name>=<value>`; several of a kind mean any, both kinds together mean both. */
function parameterConditions(entries: readonly string[], faults: Validation[]): Condition[] {
  const names: string[] = []
  const pairs: (readonly [string, string])[] = []
  for (const entry of entries) {
    const [name = '', value, ...more] = entry.split('=')
    if (more.length > 0)
      faults.push({ field: 'param', detail: `Query element ${JSON.stringify(entry)} can only contain 1 '='` })
    else if (value === '')
      faults.push({
        field: 'param',
        detail: `Query element ${JSON.stringify(entry)}: omit the '=' to match just on the parameter name`,
      })
    else if (value === undefined) names.push(name)
    else pairs.push([name, value])
  }
  const exists = (inner: Condition): Condition =>
    sql<SqlBool>`exists (select 1 from workspace_build_parameters p where p.workspace_build_id = b.id and ${inner})`
  return [
    ...(names.length === 0 ? [] : [exists(sql<SqlBool>`lower(p.name) = any(${names}::text[])`)]),
    ...(pairs.length === 0
      ? []
      : [
          any(
            pairs.map(([name, value]) =>
              exists(sql<SqlBool>`(lower(p.name) = ${name} and lower(p.value) = ${value})`),
            ),
          ),
        ]),
  ]
}

function any(conditions: readonly Condition[]): Condition {
  return conditions.length === 0
    ? sql<SqlBool>`false`
    : sql<SqlBool>`(${sql.join([...conditions], sql` or `)})`
}
