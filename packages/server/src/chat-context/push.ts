import type { AgentContextResource, PushAgentContextRequest } from '@slipway/contract'
import { storable } from '../agents/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { isChosen } from './pin.ts'
import { type ContextResource, markDirtyChats, replaceAgentContext } from './store/agent-context.ts'

/** Of all texts of a push, in bytes (AC-86). */
const MAX_TOTAL = 4 * 1024 * 1024
const MAX_SOURCE = 1_024
const MAX_BODY = 256 * 1024
/** Of a file with instructions, and of a skill, in bytes (CH-1303). */
const MAX_FILE = 64 * 1024
const SKILL_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/

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
  const chosen = await isChosen(context, agent)
  const names = new Set<string>()
  const resources = pushed.resources.map((resource) => stored(resource, names))
  const hash = Buffer.from(pushed.aggregate_hash, 'hex')
  return context.database.transaction(async (tx) => {
    const accepted = await replaceAgentContext(
      reporter,
      tx,
      agent.id,
      {
        version: pushed.version,
        hash,
        error: storable(pushed.error ?? ''),
        operatingSystem: storable(pushed.operating_system),
        directory: storable(pushed.directory),
        resources,
      },
      pushed.initial,
    )
    const from = { workspaceId: agent.workspaceId, agentId: agent.id, isChosen: chosen }
    if (accepted) await markDirtyChats(chats, tx, from, hash, context.clock.now())
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

/**
 * What is kept of a resource. Agents cut and check what they find (CH-1303); nothing makes one that was tampered with do
 * so, and what is stored here goes into prompts.
 *
 * @param names of the skills before.
 */
function stored(resource: AgentContextResource, names: Set<string>): ContextResource {
  const checked = checkedStatus(resource, names)
  const { kind, source, size_bytes } = resource
  const { status, error = '', body = '' } = { ...resource, ...checked }
  const { skill_name, skill_description, skill_dir, tools } = resource
  return {
    kind,
    source: storable(source),
    status,
    size_bytes,
    error: storable(error),
    body: storable(body),
    attributes: {
      skill_name: storableIf(skill_name),
      skill_description: storableIf(skill_description),
      skill_dir: storableIf(skill_dir),
      tools: tools?.map(({ name, description }) => ({
        name: storable(name),
        description: storable(description),
      })),
    },
  }
}

function storableIf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : storable(text)
}

function checkedStatus(
  { kind, status, body = '', skill_name = '' }: AgentContextResource,
  names: Set<string>,
): Partial<Pick<AgentContextResource, 'status' | 'error' | 'body'>> {
  const bytes = Buffer.from(body)
  const isLong = bytes.length > MAX_FILE
  switch (kind) {
    case 'instruction_file':
      return isLong
        ? {
            status: 'oversize',
            error: `only the first ${MAX_FILE} bytes are used`,
            // A character that was cut in two is left out.
            body: new TextDecoder().decode(bytes.subarray(0, MAX_FILE), { stream: true }),
          }
        : {}
    case 'skill':
      if (status !== 'ok') return {}
      if (isLong) return { status: 'oversize', error: `a skill may have ${MAX_FILE} bytes at most`, body: '' }
      if (!SKILL_NAME.test(skill_name))
        return { status: 'invalid', error: 'the name is not in kebab-case', body: '' }
      if (names.has(skill_name))
        return { status: 'excluded', error: 'another skill has the same name', body: '' }
      names.add(skill_name)
      return {}
    case 'mcp_config':
    case 'mcp_server':
      return {}
  }
}
