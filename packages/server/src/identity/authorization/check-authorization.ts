import type { AuthorizationCheck } from '@slipway/contract'
import {
  type Action,
  type Actor,
  isActionOf,
  isAllowed,
  isResourceType,
  type ResourceObject,
} from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { badRequest } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import { CHECKED_TYPES, findCheckedObject } from '../store/checked-objects.ts'

const MAX_CHECKS = 1_000
/** Each of these costs a statement (RB-81). */
const MAX_LOADED = 10

/** A question in the words of the engine; `stored` is the id of the object that has to be read first. */
interface Question {
  readonly object: ResourceObject
  readonly action: Action
  readonly stored: { readonly type: (typeof CHECKED_TYPES)[number]; readonly id: string } | undefined
}

/**
 * Answers what the caller may do, by name of the check (RB-80…RB-84). A `resource_id` stands for the stored object,
 * whatever else the question says of it; one that is absent or hidden may not be acted on, as any that does not exist.
 *
 * @throws ApiError 400 naming the check that asks for nothing, for a malformed id or of a type without ids, or the
 * limit of checks that read objects.
 */
export async function checkAuthorization(
  context: AppContext,
  actor: Actor,
  checks: Checks,
): Promise<Record<string, boolean>> {
  countLoaded(checks)
  const questions = Object.entries(checks).map(
    ([name, check]) => [name, questionOf(actor, name, check)] as const,
  )
  const answers: Record<string, boolean> = {}
  for (const [name, question] of questions)
    note(
      answers,
      name,
      question?.stored === undefined
        ? isAnswered(actor, question)
        : await isStoredAllowed(context, actor, question.action, question.stored),
    )
  return answers
}

/**
 * The same at once, for checks that read no objects, which most do not; undefined for others.
 *
 * @throws ApiError 400.
 */
export function checkWithoutRows(actor: Actor, checks: Checks): Record<string, boolean> | undefined {
  if (countLoaded(checks) > 0) return undefined
  const answers: Record<string, boolean> = {}
  for (const name in checks) {
    const check = checks[name]
    if (check !== undefined) note(answers, name, isAnswered(actor, questionOf(actor, name, check)))
  }
  return answers
}

type Checks = Readonly<Record<string, AuthorizationCheck>>

/** How many objects the checks read. @throws ApiError 400 for too many of them, or of checks. */
function countLoaded(checks: Checks): number {
  let asked = 0
  let loaded = 0
  for (const name in checks) {
    asked += 1
    if (checks[name]?.object.resource_id) loaded += 1
  }
  if (asked > MAX_CHECKS) throw badRequest(`At most ${MAX_CHECKS} checks can be asked at once.`)
  if (loaded > MAX_LOADED)
    throw badRequest(
      `Endpoint only supports using "resource_id" field up to ${MAX_LOADED} times per request.`,
      { validations: [{ field: 'checks', detail: `at most ${MAX_LOADED} with resource_id` }] },
    )
  return loaded
}

function note(answers: Record<string, boolean>, name: string, value: boolean): void {
  // This name alone becomes no property of its own when it is assigned.
  if (name === '__proto__') Object.defineProperty(answers, name, { value, enumerable: true })
  else answers[name] = value
}

function questionOf(
  actor: Actor,
  name: string,
  { action, object }: AuthorizationCheck,
): Question | undefined {
  const type = object.resource_type
  if (type === '')
    throw badRequest(`Object's "resource_type" field must be defined for key ${JSON.stringify(name)}.`, {
      validations: [{ field: `checks.${name}.object.resource_type`, detail: 'required' }],
    })
  const stored = storedObject(name, object)
  // RB-82: no such thing can be allowed, to whomever.
  if (!isResourceType(type) || !isActionOf(type, action)) return undefined
  return {
    action,
    stored,
    object: {
      type,
      owner: object.owner_id === 'me' ? actor.id : object.owner_id || undefined,
      organization: object.organization_id || undefined,
      anyOrganization: object.any_org,
    },
  }
}

function storedObject(name: string, object: AuthorizationCheck['object']): Question['stored'] {
  const id = object.resource_id
  if (!id) return undefined
  if (!isUuid(id))
    throw badRequest(`Object ${JSON.stringify(name)} id ${JSON.stringify(id)} is not a valid UUID.`, {
      validations: [{ field: 'resource_id', detail: 'must be a UUID' }],
    })
  const type = CHECKED_TYPES.find((known) => known === object.resource_type)
  if (type === undefined)
    throw badRequest(
      `Object type ${JSON.stringify(object.resource_type)} does not support the "resource_id" field.`,
      { validations: [{ field: 'resource_type', detail: `must be one of ${CHECKED_TYPES.join(', ')}` }] },
    )
  return { type, id: id.toLowerCase() }
}

function isAnswered(actor: Actor, question: Question | undefined): boolean {
  return question !== undefined && isAllowed(actor, question.action, question.object)
}

async function isStoredAllowed(
  context: AppContext,
  actor: Actor,
  action: Action,
  { type, id }: NonNullable<Question['stored']>,
): Promise<boolean> {
  const object = await findCheckedObject(actor, context.database.db, type, id)
  return object !== undefined && isActionOf(object.type, action) && isAllowed(actor, action, object)
}
