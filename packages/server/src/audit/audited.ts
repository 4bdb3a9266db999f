import type { FastifyReply, FastifyRequest } from 'fastify'

import { type AuditAction, NO_ID } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import type { RequestContext } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { diffOf } from './diff.ts'
import type { AuditUser } from './entry.ts'
import type { AuditedType } from './fields.ts'
import { recordEntry, recorder } from './record.ts'
import type { AuditedRows } from './store/audited-rows.ts'
import { findHiddenObject } from './store/hidden-objects.ts'

/** Settings of syncs have no ids; their organization tells them apart (RB-95). */
const SYNC_SETTINGS = '51a51c00-0000-0000-0000-000000000000'

/** What a handler tells of the change that it makes; its entry is written when it returns (RB-93). */
export interface AuditDraft<Type extends AuditedType> {
  /** The row as it was; left out for what is created. */
  before?: AuditedRows[Type]
  /** The row as it is now; left out for what is deleted. */
  after?: AuditedRows[Type]
  /** Who does it; the caller of a signed-in route is known already. */
  user?: AuditUser
  /** Where it belongs, for rows that do not say so themselves (RB-97). */
  organizationId?: string
  /** Its name, for rows that do not have one. */
  target?: string
  additionalFields?: Readonly<Record<string, unknown>>
  /** What is done, where that only shows while it is done. */
  action?: AuditAction
  /** Of what it is, where there is no row to tell, such as a sign-in that failed. */
  resourceId?: string
}

/** The request that a change is made for. */
export interface AuditedRequest {
  readonly context: RequestContext
  readonly raw: FastifyRequest
  readonly reply: FastifyReply
  readonly owner?: AuditUser
}

/**
 * Runs a handler and writes what it did to the audit log, with the status of its answer, also when it fails and when
 * the client has left (RB-93, RB-94). What stops a request before its handler leaves no entry.
 *
 * @throws what `work` throws.
 */
export async function audited<Type extends AuditedType, Result>(
  app: AppContext,
  request: AuditedRequest,
  what: { readonly type: Type; readonly action: AuditAction },
  work: (draft: AuditDraft<Type>) => Promise<Result>,
): Promise<Result> {
  const draft: AuditDraft<Type> = request.owner === undefined ? {} : { user: request.owner }
  let result: Result
  try {
    result = await work(draft)
  } catch (error) {
    const status = error instanceof ApiError ? error.status : 500
    if (status === 403 || status === 404) await addDenial(app, request, what.type, draft)
    await write(app, request, what, draft, status)
    throw error
  }
  await write(app, request, what, draft, request.reply.statusCode)
  return result
}

/**
 * Runs a change of one row with its entry.
 *
 * @param load reads the row: as the request names it, then by its id, since a change may give it another name.
 * @returns the row as it is after the change.
 * @throws what `load` and `work` throw.
 */
export function auditedWrite<
  Type extends AuditedType,
  Row extends AuditedRows[Type] & { readonly id: string },
>(
  app: AppContext,
  request: AuditedRequest,
  type: Type,
  load: (id?: string) => Promise<Row>,
  work: (row: Row) => Promise<void>,
): Promise<Row> {
  return audited(app, request, { type, action: 'write' }, async (draft) => {
    const before = await load()
    draft.before = before
    await work(before)
    const after = await load(before.id)
    draft.after = after
    return after
  })
}

/** Writes what a request has done beside the change that it was for, or to several rows, once all is stored (RB-102). */
export function recordChange<Type extends AuditedType>(
  app: AppContext,
  request: AuditedRequest,
  what: { readonly type: Type; readonly action: AuditAction },
  change: Pick<AuditDraft<Type>, 'before' | 'after'>,
): Promise<void> {
  const draft = request.owner === undefined ? change : { ...change, user: request.owner }
  return write(app, request, what, draft, request.reply.statusCode)
}

async function write<Type extends AuditedType>(
  app: AppContext,
  { context, raw }: AuditedRequest,
  what: { readonly type: Type; readonly action: AuditAction },
  draft: AuditDraft<Type>,
  status: number,
): Promise<void> {
  const { before, after, user, action = what.action } = draft
  const { type } = what
  const row = after ?? before
  const resourceId = draft.resourceId ?? (row === undefined ? undefined : idOf(type, row))
  if (user === undefined || resourceId === undefined) return
  const silent = status >= 400 || action === 'login' || action === 'logout'
  await recordEntry(app, {
    type,
    action,
    user,
    organizationId: draft.organizationId ?? (row === undefined ? undefined : organizationOf(type, row)),
    resourceId,
    target: draft.target ?? (row === undefined ? '' : targetOf(row)),
    icon: row !== undefined && 'icon' in row && typeof row.icon === 'string' ? row.icon : '',
    diff: silent ? {} : diffOf(type, before, after),
    status,
    additionalFields: {
      // Whoever finds that a key has leaked wants to know what was done with it (RB-127).
      ...(context.apiKeyId === undefined ? {} : { api_key_id: context.apiKeyId }),
      ...(context.tool === undefined ? {} : { mcp_tool: context.tool }),
      ...draft.additionalFields,
    },
    requestId: context.id,
    ip: context.remoteAddress,
    userAgent: raw.headers['user-agent'] ?? '',
  })
}

/**
 * Says what a refused request was about where its handler has not come so far: an object that the caller may not even
 * see leaves a trace too, one that does not exist does not (RB-130).
 */
async function addDenial<Type extends AuditedType>(
  { config, database, log }: AppContext,
  { context: { denial }, raw }: AuditedRequest,
  type: Type,
  draft: AuditDraft<Type>,
): Promise<void> {
  if (!config.auditDenials || (draft.resourceId ?? draft.after ?? draft.before) !== undefined) return
  try {
    const hidden =
      denial === undefined
        ? await findHiddenObject(recorder, database.db, type, Object(raw.params))
        : // What would have been made has no id yet.
          { id: denial.object.id ?? NO_ID, organizationId: denial.object.organization }
    if (hidden === undefined) return
    draft.resourceId = isUuid(hidden.id) ? hidden.id : NO_ID
    if (hidden.organizationId !== undefined) draft.organizationId ??= hidden.organizationId
  } catch (error) {
    // The caller gets the answer to the request, whatever becomes of the entry (RB-103).
    log.error('what a refusal was about could not be looked up', { error: describeError(error) })
  }
}

/** Keys are known by their user: their own ids are no UUIDs (RB-95). */
function idOf(type: AuditedType, row: AuditedRows[AuditedType]): string {
  switch (type) {
    case 'group_ai_budget':
      return 'group_id' in row ? row.group_id : ''
    case 'api_key':
    case 'convert_login':
    case 'git_ssh_key':
    case 'organization_member':
    case 'user_ai_budget_override':
      return 'user_id' in row ? row.user_id : ''
    case 'idp_sync_settings_group':
    case 'idp_sync_settings_organization':
    case 'idp_sync_settings_role':
      return SYNC_SETTINGS
    // Prices are known by their provider and model, which their target has.
    case 'ai_model_price':
    case 'appearance_settings':
    case 'health_settings':
    case 'notifications_settings':
    case 'oauth2_provider_settings':
      return NO_ID
    case 'user':
    case 'ai_provider':
    case 'ai_provider_key':
    case 'chat':
    case 'chat_instruction_settings':
    case 'custom_role':
    case 'group':
    case 'identity_provider':
    case 'mcp_server_config':
    case 'notification_template':
    case 'oauth2_provider_app':
    case 'oauth2_provider_app_secret':
    case 'organization':
    case 'task':
    case 'template':
    case 'template_version':
    case 'user_secret':
    case 'user_skill':
    case 'workspace':
    case 'workspace_build':
      return 'id' in row ? row.id : ''
  }
}

/** An organization's entries are its own. */
function organizationOf(type: AuditedType, row: AuditedRows[AuditedType]): string | undefined {
  if (type === 'organization') return idOf(type, row)
  return 'organization_id' in row ? (row.organization_id ?? undefined) : undefined
}

/** What people call it (RB-96). */
function targetOf(row: AuditedRows[AuditedType]): string {
  if ('token_name' in row) return row.token_name
  if ('public_key' in row) return row.public_key
  if ('username' in row) return row.username
  if ('slug' in row) return row.display_name || row.slug || row.id
  return 'name' in row ? row.name : ''
}
