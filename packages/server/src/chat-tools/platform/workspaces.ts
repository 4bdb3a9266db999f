import { randomBytes, randomUUID } from 'node:crypto'

import { Type } from 'typebox'

import { NO_ID } from '@slipway/contract'
import { type AgentRow, chooseAgent, listLatestAgents } from '../../agents/index.ts'
import { diffOf, recordEntry } from '../../audit/index.ts'
import { systemActor } from '../../authz/index.ts'
import type { ChatRow } from '../../chats/index.ts'
import { ApiError } from '../../errors/index.ts'
import { isName } from '../../templates/index.ts'
import { createWorkspace, getWorkspace, requestBuild, type WorkspaceRow } from '../../workspaces/index.ts'
import { defineChatTool, failed } from '../define.ts'
import { ToolFault } from '../fault.ts'
import { type ChatOwner, ownerOf } from '../owner.ts'
import { bindWorkspace } from '../store/chats.ts'
import type { ChatTool, ToolCall, ToolOutcome } from '../tool.ts'
import type { ToolTurn } from '../turn.ts'
import { waitOnFeed } from '../wait-for.ts'
import { usableTemplate } from './templates.ts'

const BUILD_MS = 10 * 60_000
const AGENT_MS = 2 * 60_000
const SCRIPTS_MS = 10 * 60_000
const LOST_MS = 90_000
const KINDS = ['workspace_build', 'workspace_agent', 'provisioner_job']

const system = systemActor('chatd', 'a chat is bound to the workspace that it has made')

const parameters = Type.Optional(
  Type.Record(Type.String({ maxLength: 256 }), Type.String({ maxLength: 65_536 }), {
    maxProperties: 256,
    description: 'Values of parameters of the template, by name.',
  }),
)

/** `create_workspace`: makes a workspace for the chat, or gives the one that there is (CH-1110, CH-1111). */
export function createWorkspaceTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'create_workspace',
    description:
      'Makes a workspace for this chat from a template, and waits until it can be worked in. With a workspace that is there already it gives that one.',
    serial: true,
    input: Type.Object({
      template_id: Type.String({ format: 'uuid' }),
      name: Type.Optional(Type.String({ maxLength: 64, description: 'Name of the workspace.' })),
      parameters,
      preset_id: Type.Optional(Type.String({ format: 'uuid' })),
    }),
    run: async (args, call) => {
      const chat = await turn.workspace.chatNow()
      const owner = await ownerOf(turn.context, chat)
      const noted = notedIn(call)
      // An earlier process may have made it for this very call, and then died before the chat was bound (B-5).
      const begun = noted === undefined ? undefined : await existingWorkspace(turn, owner, noted)
      if (begun !== undefined) {
        if (chat.workspace_id !== begun.id) {
          if ((await existingWorkspace(turn, owner, chat.workspace_id)) !== undefined)
            throw boundElsewhere(begun.name)
          await bind(turn, chat, begun)
        }
        return { created: true, ...(await whenReady(turn, owner, begun, call.signal)) }
      }
      const existing = await existingWorkspace(turn, owner, chat.workspace_id)
      if (existing !== undefined) {
        const state = await stateOf(turn, owner, existing)
        if (state === 'building' || state === 'running')
          return { created: false, ...(await whenReady(turn, owner, existing, call.signal)) }
        if (state === 'stopped')
          return {
            created: false,
            workspace_name: existing.name,
            status: 'stopped',
            next_action: 'Call start_workspace.',
          }
      }
      const template = await usableTemplate(turn, owner.actor, args.template_id)
      const id = noted ?? randomUUID()
      if (noted === undefined) await call.noteResume({ workspace_id: id })
      call.signal.throwIfAborted()
      const made = await make(turn, owner, { ...args, id }, template.name)
      await bind(turn, chat, made)
      return { created: true, ...(await whenReady(turn, owner, made, call.signal)) }
    },
  })
}

/** @throws ToolFault when the user has bound the chat to another workspace since it was read. */
async function bind(
  turn: ToolTurn,
  chat: ChatRow,
  workspace: { readonly id: string; readonly name: string },
): Promise<void> {
  const { database, clock } = turn.context
  if (!(await bindWorkspace(system, database.db, chat, workspace.id, clock.now())))
    throw boundElsewhere(workspace.name)
}

function boundElsewhere(name: string): ToolFault {
  return new ToolFault(
    'refused',
    `The workspace ${name} was made, but meanwhile the user has attached another one to this chat.`,
    'Work in the workspace that is attached.',
  )
}

/** `start_workspace`: starts the workspace of the chat unless it runs, and waits until it can be worked in. */
export function startWorkspaceTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'start_workspace',
    description: 'Starts the workspace of this chat, and waits until it can be worked in.',
    serial: true,
    input: Type.Object({ parameters }),
    run: async (args, call) => {
      const { owner, workspace } = await turn.workspace.bound()
      const ended = await afterBuild(turn, owner, workspace, call.signal)
      if (isUp(ended)) return { started: false, ...(await whenReady(turn, owner, ended, call.signal)) }
      const isOutdated =
        ended.template_require_active_version &&
        ended.template_version_id !== ended.template_active_version_id
      try {
        await build(turn, owner, ended, 'start', {
          ...(args.parameters === undefined ? {} : { rich_parameter_values: listOf(args.parameters) }),
          ...(isOutdated ? { template_version_id: ended.template_active_version_id } : {}),
        })
      } catch (error) {
        return withValidations(error, ended.template_id)
      }
      const started = await getWorkspace(owner.actor, turn.context.database.db, ended.id)
      return {
        started: true,
        ...(isOutdated ? { updated_to_active_version: true } : {}),
        ...(await whenReady(turn, owner, started, call.signal)),
      }
    },
  })
}

/** `stop_workspace`: stops the workspace of the chat, once a build that runs has ended. */
export function stopWorkspaceTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'stop_workspace',
    description: 'Stops the workspace of this chat. Files stay where the template keeps them; processes end.',
    serial: true,
    input: Type.Object({}),
    run: async (_args, call) => {
      const { owner, workspace } = await turn.workspace.bound()
      const ended = await afterBuild(turn, owner, workspace, call.signal)
      if (ended.transition === 'stop' && ended.job.job_status === 'succeeded')
        return { stopped: false, workspace_name: ended.name, status: 'stopped' }
      await build(turn, owner, ended, 'stop', {})
      const stopped = await afterBuild(
        turn,
        owner,
        await getWorkspace(owner.actor, turn.context.database.db, ended.id),
        call.signal,
      )
      if (stopped.job.job_status !== 'succeeded')
        return failed(
          `${stopped.name} could not be stopped: ${stopped.job.error ?? stopped.job.job_status}`,
          {
            workspace_name: stopped.name,
            build_id: stopped.build_id,
          },
        )
      return { stopped: true, workspace_name: stopped.name, build_id: stopped.build_id, status: 'stopped' }
    },
  })
}

/** Id of the workspace that an earlier process has made, or was about to make, for this very call (B-5). */
function notedIn({ resume }: ToolCall): string | undefined {
  if (typeof resume !== 'object' || resume === null || !('workspace_id' in resume)) return undefined
  return typeof resume.workspace_id === 'string' ? resume.workspace_id : undefined
}

/** The workspace that a chat is bound to, for its owner; undefined without one, and for one that is gone. */
async function existingWorkspace(
  turn: ToolTurn,
  owner: ChatOwner,
  id: string | null,
): Promise<WorkspaceRow | undefined> {
  if (id === null) return undefined
  try {
    const workspace = await getWorkspace(owner.actor, turn.context.database.db, id)
    return workspace.deleted ? undefined : workspace
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** CH-1111: what becomes of a workspace that is there when one is to be made. */
async function stateOf(
  turn: ToolTurn,
  owner: ChatOwner,
  workspace: WorkspaceRow,
): Promise<'building' | 'running' | 'stopped' | 'unusable'> {
  if (workspace.transition === 'delete') return 'unusable'
  if (workspace.transition === 'stop') return 'stopped'
  switch (workspace.job.job_status) {
    case 'pending':
    case 'running':
      return 'building'
    case 'canceling':
    case 'canceled':
    case 'failed':
      return 'unusable'
    case 'succeeded': {
      const agent = await agentOf(turn, owner, workspace)
      return agent !== undefined && !isDead(turn, agent) ? 'running' : 'unusable'
    }
  }
}

async function agentOf(
  turn: ToolTurn,
  owner: ChatOwner,
  workspace: WorkspaceRow,
): Promise<AgentRow | undefined> {
  return chooseAgent(await listLatestAgents(owner.actor, turn.context.database.db, workspace)).agent
}

function isDead(turn: ToolTurn, { status, disconnected_at, last_connected_at }: AgentRow): boolean {
  if (status === 'timeout') return true
  const since = disconnected_at ?? last_connected_at
  return (
    status === 'disconnected' &&
    since !== null &&
    turn.context.clock.now().getTime() - since.getTime() >= LOST_MS
  )
}

function isUp({ transition, job, dormant_at }: WorkspaceRow): boolean {
  return dormant_at === null && transition === 'start' && job.job_status === 'succeeded'
}

/**
 * Makes a workspace; a name that is taken or none at all is replaced by one that is made up (CH-1110).
 *
 * @throws ApiError as making one by hand.
 */
async function make(
  turn: ToolTurn,
  owner: ChatOwner,
  args: {
    readonly id: string
    readonly template_id: string
    readonly name?: string
    readonly parameters?: Readonly<Record<string, string>>
    readonly preset_id?: string
  },
  base: string,
): Promise<WorkspaceRow> {
  const { context, chat } = turn
  const { workspaceTtlMs: ttlMs } = await turn.settings.deployment()
  const attempt = async (name: string): Promise<WorkspaceRow> => {
    const { workspace } = await createWorkspace(
      context,
      turn.external,
      owner.actor,
      chat.owner_id,
      {
        template_id: args.template_id,
        name,
        ...(ttlMs === 0 ? {} : { ttl_ms: ttlMs }),
        ...(args.parameters === undefined ? {} : { rich_parameter_values: listOf(args.parameters) }),
        ...(args.preset_id === undefined ? {} : { template_version_preset_id: args.preset_id }),
      },
      { organizationId: chat.organization_id, id: args.id },
    )
    await record(turn, owner, 'create', undefined, workspace)
    return workspace
  }
  const wanted = args.name ?? ''
  if (!isName(wanted)) return attempt(madeUp(wanted === '' ? base : wanted))
  try {
    return await attempt(wanted)
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return attempt(madeUp(wanted))
    throw error
  }
}

/** `<base>-<4 hex>`, as names of workspaces may be (at most 32 characters). */
function madeUp(base: string): string {
  const cleaned = base
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 26)
    .replace(/^-+|-+$/g, '')
  return `${cleaned === '' ? 'workspace' : cleaned}-${randomBytes(2).toString('hex')}`
}

async function build(
  turn: ToolTurn,
  owner: ChatOwner,
  workspace: WorkspaceRow,
  transition: 'start' | 'stop',
  more: Parameters<typeof requestBuild>[3] extends infer R ? Omit<R, 'transition'> : never,
): Promise<void> {
  const { awoken } = await requestBuild(turn.context, owner.actor, workspace.id, { ...more, transition })
  if (awoken !== undefined) await record(turn, owner, 'write', awoken.before, awoken.after)
}

/** Writes to the audit log what was done to a workspace in the name of the owner (RB-102). */
async function record(
  { context, chat }: ToolTurn,
  owner: ChatOwner,
  action: 'create' | 'write',
  before: WorkspaceRow | undefined,
  after: WorkspaceRow,
): Promise<void> {
  await recordEntry(context, {
    type: 'workspace',
    action,
    user: { id: chat.owner_id, username: owner.username, email: owner.email },
    organizationId: after.organization_id,
    resourceId: after.id,
    target: after.name,
    icon: '',
    diff: diffOf('workspace', before, after),
    status: action === 'create' ? 201 : 200,
    additionalFields: { chat_id: chat.id },
    requestId: NO_ID,
    ip: undefined,
    userAgent: '',
  })
}

/** The workspace once its build has ended. @throws ToolFault when that takes more than ten minutes. */
async function afterBuild(
  turn: ToolTurn,
  owner: ChatOwner,
  workspace: WorkspaceRow,
  signal: AbortSignal,
): Promise<WorkspaceRow> {
  const ended = await waitOnFeed(turn.context, { kinds: KINDS, timeoutMs: BUILD_MS, signal }, async () => {
    const now = await getWorkspace(owner.actor, turn.context.database.db, workspace.id)
    return now.job.completed_at === null ? undefined : now
  })
  if (ended !== undefined) return ended
  throw new ToolFault(
    'workspace_starting',
    `The build of ${workspace.name} has not ended after ten minutes.`,
    'Call start_workspace again to go on waiting.',
  )
}

/** Waits for build, agent and startup scripts, and tells how far they have come (CH-1110). */
async function whenReady(
  turn: ToolTurn,
  owner: ChatOwner,
  workspace: WorkspaceRow,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const built = await afterBuild(turn, owner, workspace, signal)
  const about = { workspace_name: built.name, workspace_id: built.id, build_id: built.build_id }
  if (built.transition !== 'start' || built.job.job_status !== 'succeeded')
    return {
      ...about,
      error: `The build of ${built.name} did not succeed: ${built.job.error ?? built.job.job_status}`,
      next_action: 'Tell the user, or call create_workspace with another template.',
    }
  const look = (done: (agent: AgentRow) => boolean) => async (): Promise<AgentRow | undefined> => {
    const agent = await agentOf(turn, owner, built)
    return agent !== undefined && done(agent) ? agent : undefined
  }
  const connected = await waitOnFeed(
    turn.context,
    { kinds: KINDS, timeoutMs: AGENT_MS, signal },
    look(({ status }) => status === 'connected' || status === 'timeout'),
  )
  if (connected?.status !== 'connected')
    return {
      ...about,
      agent_status: connected?.status ?? 'connecting',
      agent_error: `The agent of ${built.name} did not connect in time.`,
      next_action: 'Call stop_workspace, and then start_workspace.',
    }
  const ready = await waitOnFeed(
    turn.context,
    { kinds: KINDS, timeoutMs: SCRIPTS_MS, signal },
    look(({ lifecycle_state }) => !['created', 'starting'].includes(lifecycle_state)),
  )
  return {
    ...about,
    agent_status: 'connected',
    startup_scripts: ready?.lifecycle_state === 'ready' ? 'succeeded' : (ready?.lifecycle_state ?? 'running'),
  }
}

function listOf(values: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}

/** Parameters that are missing or wrong, and where to read about them. @throws what it is not about. */
function withValidations(error: unknown, templateId: string): ToolOutcome {
  if (!(error instanceof ApiError) || error.validations.length === 0) throw error
  return failed(error.message, {
    validations: error.validations.map(({ field, detail }) => ({ field, detail })),
    template_id: templateId,
    next_action: 'Call read_template, and then start_workspace with the missing parameters.',
  })
}
