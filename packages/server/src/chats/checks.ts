import type { DynamicTool } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, forbidden } from '../errors/index.ts'
import type { ChatRow } from './store/locked.ts'

const MAX_LABELS = 50
const MAX_KEY_BYTES = 64
const MAX_VALUE_BYTES = 256
const LABEL_KEY = /^[a-zA-Z0-9][a-zA-Z0-9._/-]*$/
const MAX_DYNAMIC_TOOLS = 250
/** Bytes of the schema of one tool. */
const MAX_SCHEMA_BYTES = 65_536

/** Requires that models can be reached (CH-§4). @throws ApiError 503 saying what an operator can do. */
export function requireGateway({ config }: Pick<AppContext, 'config'>): void {
  if (!config.aiGatewayEnabled)
    throw new ApiError(503, 'Chats cannot run while the AI gateway is disabled.', {
      detail: 'An administrator can enable it with --ai-gateway-enabled or CODER_AI_GATEWAY_ENABLED=true.',
    })
}

/** Refuses who does not own a chat: a run uses the credentials of its owner (CH-303). @throws ApiError 403. */
export function requireOwner(actor: Actor, chat: Pick<ChatRow, 'owner_id'>): void {
  if (actor.id !== chat.owner_id)
    throw forbidden('Only the owner of the chat can do this.', {
      detail: 'What a chat does, it does with the credentials of its owner.',
    })
}

/** Refuses archived chats. @throws ApiError 400. */
export function requireUnarchived(chat: Pick<ChatRow, 'archived'>): void {
  if (chat.archived) throw badRequest('Chat is archived.', { detail: 'Unarchive it first.' })
}

/** Labels of a chat (CH-405). @throws ApiError 400 for the first that cannot be one. */
export function checkLabels(labels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(labels)
  const refuse = (detail: string) =>
    badRequest('Invalid labels.', { detail, validations: [{ field: 'labels', detail }] })
  if (entries.length > MAX_LABELS) throw refuse(`A chat can have at most ${MAX_LABELS} labels.`)
  for (const [key, value] of entries) {
    const name = JSON.stringify(key.slice(0, MAX_KEY_BYTES))
    if (Buffer.byteLength(key) > MAX_KEY_BYTES)
      throw refuse(`The key ${name} has more than ${MAX_KEY_BYTES} bytes.`)
    if (!LABEL_KEY.test(key))
      throw refuse(
        `The key ${name} must begin with a letter or digit and hold only those and ".", "_", "/" and "-".`,
      )
    if (value === '') throw refuse(`The value of ${name} is empty.`)
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES)
      throw refuse(`The value of ${name} has more than ${MAX_VALUE_BYTES} bytes.`)
  }
}

/** Tools that the client carries out (CH-407). @throws ApiError 400. */
export function checkDynamicTools(tools: readonly DynamicTool[]): void {
  if (tools.length > MAX_DYNAMIC_TOOLS)
    throw badRequest(`A chat can have at most ${MAX_DYNAMIC_TOOLS} dynamic tools.`)
  const names = new Set<string>()
  for (const { name, input_schema: schema } of tools) {
    if (name.trim() === '') throw badRequest('A dynamic tool has no name.')
    if (names.has(name))
      throw badRequest('Dynamic tools must have unique names.', {
        detail: `${JSON.stringify(name)} is there twice.`,
      })
    names.add(name)
    if (schema !== undefined && Buffer.byteLength(JSON.stringify(schema)) > MAX_SCHEMA_BYTES)
      throw badRequest('The schema of a dynamic tool is too long.', {
        detail: `That of ${JSON.stringify(name)} has more than ${MAX_SCHEMA_BYTES} bytes.`,
      })
  }
}

/** The plan mode that a request names: undefined leaves it as it is. @throws ApiError 400. */
export function readPlanMode(given: string | undefined): 'plan' | null | undefined {
  if (given === undefined) return undefined
  if (given === '') return null
  if (given === 'plan') return 'plan'
  throw badRequest('Invalid plan_mode.', {
    detail: 'Must be "plan" or empty.',
    validations: [{ field: 'plan_mode', detail: 'must be "plan" or empty' }],
  })
}
