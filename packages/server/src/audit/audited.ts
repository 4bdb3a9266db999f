import type { FastifyReply, FastifyRequest } from 'fastify'

import type { AuditAction } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import type { RequestContext } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { diffOf } from './diff.ts'
import type { AuditUser } from './entry.ts'
import type { AuditedType } from './fields.ts'
import { recordEntry } from './record.ts'
import type { AuditedRows } from './store/audited-rows.ts'

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
    await write(app, request, what, draft, error instanceof ApiError ? error.status : 500)
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

async function write<Type extends AuditedType>(
  app: AppContext,
  { context, raw }: AuditedRequest,
  { type, action }: { readonly type: Type; readonly action: AuditAction },
  draft: AuditDraft<Type>,
  status: number,
): Promise<void> {
  const { before, after, user } = draft
  const row = after ?? before
  const resourceId = draft.resourceId ?? (row === undefined ? undefined : idOf(type, row))
  if (user === undefined || resourceId === undefined) return
  const silent = status >= 400 || action === 'login' || action === 'logout'
  await recordEntry(app, {
    type,
    action,
    user,
    organizationId: draft.organizationId ?? (row === undefined ? undefined : organizationOf(row)),
    resourceId,
    target: draft.target ?? (row === undefined ? '' : targetOf(row)),
    icon: row !== undefined && 'icon' in row && typeof row.icon === 'string' ? row.icon : '',
    diff: silent ? {} : diffOf(type, before, after),
    status,
    additionalFields: draft.additionalFields ?? {},
    requestId: context.id,
    ip: context.remoteAddress,
    userAgent: raw.headers['user-agent'] ?? '',
  })
}

/** Keys are known by their user: their own ids are no UUIDs (RB-95). */
function idOf(type: AuditedType, row: AuditedRows[AuditedType]): string {
  switch (type) {
    case 'api_key':
    case 'git_ssh_key':
    case 'organization_member':
      return 'user_id' in row ? row.user_id : ''
    case 'user':
    case 'template':
    case 'template_version':
    case 'workspace':
    case 'workspace_build':
      return 'id' in row ? row.id : ''
  }
}

function organizationOf(row: AuditedRows[AuditedType]): string | undefined {
  return 'organization_id' in row ? row.organization_id : undefined
}

/** What people call it (RB-96). */
function targetOf(row: AuditedRows[AuditedType]): string {
  if ('token_name' in row) return row.token_name
  if ('public_key' in row) return row.public_key
  if ('username' in row) return row.username
  return 'name' in row ? row.name : ''
}
