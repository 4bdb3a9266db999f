import type { AuthorizationExplanation } from '@slipway/contract'
import * as contract from '@slipway/contract'
import {
  type Action,
  type Actor,
  authorize,
  explain,
  formatAllowListEntry,
  isActionOf,
  isResourceType,
  parseAllowListEntry,
  type ResourceObject,
  SCOPE_ALL,
  type Scope,
  scopeOf,
} from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { type BoundRoute, forSession } from '../../edge/index.ts'
import { notFound, type Validation, validationFailed } from '../../errors/index.ts'
import { CHECKED_TYPES, findCheckedObject } from '../store/checked-objects.ts'
import { getKey } from '../store/keys.ts'
import { actorOf, findStandingToExplain } from '../store/standing.ts'
import { getUser } from '../store/users.ts'
import { roleOptions } from './role-options.ts'

/** Why somebody may or may not do something (RB-135): for owners and auditors of the deployment. */
export function explanationRoutes(context: AppContext): BoundRoute[] {
  return [
    forSession(contract.explainAuthorization, ({ actor, query }) =>
      explainAuthorization(context, actor, query),
    ),
  ]
}

type Question = contract.QueryOf<typeof contract.explainAuthorization>

/**
 * Explains a decision: what each level of the subject's roles says and by which permissions, what access lists give, and
 * what the scope of a key leaves of it.
 *
 * @throws ApiError 403 for all but owners and auditors, 400 for what does not exist, 404 for a user, object or key that
 * the caller may not read.
 */
async function explainAuthorization(
  context: AppContext,
  actor: Actor,
  question: Question,
): Promise<AuthorizationExplanation> {
  authorize(actor, 'read', { type: 'audit_log' })
  const { type, action } = askedFor(question)
  const { db } = context.database
  const user = await getUser(actor, db, question.user)
  const standing = await findStandingToExplain(actor, db, user.id)
  if (standing === undefined) throw notFound()
  const scope = question.key_id ? await scopeOfKey(context, actor, user.id, question.key_id) : SCOPE_ALL
  const subject = actorOf(user.id, standing, roleOptions(context), scope)
  const object = await askedObject(context, actor, user.id, type, question)
  const { allowed, roles, acl, scope: passed } = explain(subject, action, object)
  return {
    allowed,
    action,
    object: {
      resource_type: object.type,
      ...given('resource_id', object.id),
      ...given('owner_id', object.owner),
      ...given('organization_id', object.organization),
      any_org: object.anyOrganization ?? false,
    },
    subject: {
      id: user.id,
      username: standing.username,
      status: standing.status,
      groups: standing.groups,
      roles: subject.roles.map(({ name, organizationId }) => ({
        name,
        ...given('organization_id', organizationId),
      })),
    },
    roles: {
      allowed: roles.allowed,
      levels: roles.levels.map(({ level, organizationId, applies, vote, permissions }) => ({
        level,
        ...given('organization_id', organizationId),
        applies,
        vote,
        permissions: permissions.map((permission) => ({
          role: permission.role,
          ...given('organization_id', permission.organizationId),
          resource_type: permission.type,
          action: permission.action,
          negate: permission.negate,
        })),
      })),
    },
    acl: {
      allowed: acl.allowed,
      entries: acl.entries.map(({ kind, id, actions }) => ({ kind, id, actions: [...actions] })),
    },
    scope: {
      allowed: passed.permits && passed.listed,
      names: [...scope.names],
      permits: passed.permits,
      allow_list: scope.allowList.map(formatAllowListEntry),
      listed: passed.listed,
    },
  }
}

function given<Name extends string>(name: Name, value: string | undefined): { [N in Name]?: string } {
  const named: { [N in Name]?: string } = {}
  if (value !== undefined) named[name] = value
  return named
}

function askedFor({ resource_type: type, action }: Question): {
  readonly type: ResourceObject['type']
  readonly action: Action
} {
  const faults: Validation[] = []
  if (!isResourceType(type)) faults.push({ field: 'resource_type', detail: 'no such resource type' })
  else if (isActionOf(type, action)) return { type, action }
  else faults.push({ field: 'action', detail: `no such action on ${type}` })
  throw validationFailed(faults)
}

async function askedObject(
  context: AppContext,
  actor: Actor,
  userId: string,
  type: ResourceObject['type'],
  question: Question,
): Promise<ResourceObject> {
  const id = question.resource_id?.toLowerCase()
  const stored = CHECKED_TYPES.find((known) => known === type)
  if (id !== undefined) {
    // What is not known of it would be missing from the answer.
    if (stored === undefined)
      throw validationFailed([
        {
          field: 'resource_id',
          detail: 'objects of this type cannot be looked up: leave the id out and say who owns it, or where',
        },
      ])
    const object = await findCheckedObject(actor, context.database.db, stored, id)
    if (object === undefined) throw notFound()
    return object
  }
  return {
    type,
    owner: question.owner_id === 'me' ? userId : question.owner_id?.toLowerCase() || undefined,
    organization: question.organization_id?.toLowerCase(),
    anyOrganization: question.any_org === 'true',
  }
}

async function scopeOfKey(context: AppContext, actor: Actor, userId: string, keyId: string): Promise<Scope> {
  const key = await getKey(actor, context.database.db, keyId)
  if (key.user_id !== userId) throw notFound()
  return scopeOf(
    key.scopes,
    key.allow_list.flatMap((entry) => parseAllowListEntry(entry) ?? []),
  )
}
