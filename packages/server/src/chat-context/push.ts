import type { AgentContextResource, PushAgentContextRequest } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { type ContextResource, markDirtyChats, replaceAgentContext } from './store/agent-context.ts'

/** Of all texts of a push, in bytes (AC-86). */
const MAX_TOTAL = 4 * 1024 * 1024
const MAX_SOURCE = 1_024
const MAX_BODY = 256 * 1024

const reporter = systemActor('provisionerd', 'an agent reports of itself, whatever its owner may do')
const chats = systemActor('chatd', 'chats are marked when their workspace tells something new')

/**
 * Stores what an agent found in its workspace and marks the chats that have copied something else (AC-86, CH-1302).
 *
 * @returns whether it was newer than what is there.
 * @throws ApiError 400 beyond the limits.
 */
export async function pushContext(
  context: AppContext,
  agent: { readonly id: string; readonly workspaceId: string },
  pushed: PushAgentContextRequest,
): Promise<boolean> {
  checkLimits(pushed.resources)
  const hash = Buffer.from(pushed.aggregate_hash, 'hex')
  return context.database.transaction(async (tx) => {
    const accepted = await replaceAgentContext(
      reporter,
      tx,
      agent.id,
      {
        version: pushed.version,
        hash,
        error: pushed.error ?? '',
        operatingSystem: pushed.operating_system,
        directory: pushed.directory,
        resources: pushed.resources.map(stored),
      },
      pushed.initial,
    )
    if (accepted) await markDirtyChats(chats, tx, agent.workspaceId, hash, context.clock.now())
    return accepted
  })
}

function checkLimits(resources: readonly AgentContextResource[]): void {
  const refuse = (detail: string): never => {
    throw badRequest('Validation failed.', { validations: [{ field: 'resources', detail }] })
  }
  const sources = new Set(resources.map(({ source }) => source))
  if (sources.size !== resources.length) refuse('two resources have the same source')
  let total = 0
  for (const { source, body = '' } of resources) {
    const size = Buffer.byteLength(body)
    if (Buffer.byteLength(source) > MAX_SOURCE) refuse(`a source has more than ${MAX_SOURCE} bytes`)
    if (size > MAX_BODY) refuse(`a body has more than ${MAX_BODY} bytes`)
    total += size
  }
  if (total > MAX_TOTAL) refuse(`the bodies have more than ${MAX_TOTAL} bytes`)
}

function stored(resource: AgentContextResource): ContextResource {
  const { kind, source, status, size_bytes, error = '', body = '' } = resource
  const { skill_name, skill_description, skill_dir, tools } = resource
  return {
    kind,
    source,
    status,
    size_bytes,
    error,
    body,
    attributes: { skill_name, skill_description, skill_dir, tools },
  }
}
