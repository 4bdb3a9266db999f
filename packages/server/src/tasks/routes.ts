import * as contract from '@slipway/contract'
import { type AgentTunnels, storable } from '../agents/index.ts'
import { audited, recordChange } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAgent, forSession } from '../edge/index.ts'
import { notFound } from '../errors/index.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import { knownUserId } from '../organizations/index.ts'
import { isUuid } from '../search/index.ts'
import { announceCreated } from '../workspaces/index.ts'
import { pauseTask, removeTask, resumeTask } from './change-runs.ts'
import { logsOfTask, sendInput } from './converse.ts'
import { createTask, type TitleFor } from './create-task.ts'
import { taskAt } from './find-task.ts'
import { presentTask } from './present.ts'
import { readTaskSearch } from './search-tasks.ts'
import { keepSnapshot } from './store/snapshots.ts'
import { findTask, getStoredTask, listTasks, updatePrompt } from './store/tasks.ts'

const MAX_SNAPSHOT_BYTES = 64 * 1024

/** Tasks: make, read, search, speak to, pause, resume, delete (WS section 14). None where they are switched off (WS-250). */
export function taskRoutes(
  context: AppContext,
  external: ExternalAuth,
  tunnels: AgentTunnels,
  titleFor: TitleFor,
): BoundRoute[] {
  if (!context.config.enableAiTasks) return []
  const db = context.database.db
  return [
    forSession(contract.listTasks, async ({ actor, query }) => {
      const rows = await listTasks(actor, db, await readTaskSearch(context, actor, query.q ?? ''))
      return { tasks: rows.map(presentTask), count: rows.length }
    }),
    forSession(contract.createTask, (incoming) =>
      audited(context, incoming, { type: 'task', action: 'create' }, async (draft) => {
        const { actor, params, reply } = incoming
        const ownerId = await knownUserId(context, actor, params.user ?? '')
        const { task, workspace } = await createTask(context, external, incoming, ownerId, titleFor)
        reply.code(201)
        // One that is there already because the request came before was recorded then.
        if (workspace !== undefined) {
          draft.after = await getStoredTask(actor, db, task)
          await recordChange(context, incoming, { type: 'workspace', action: 'create' }, { after: workspace })
          await announceCreated(context, workspace, actor.id)
        }
        return presentTask(task)
      }),
    ),
    forSession(contract.getTask, async ({ actor, params }) =>
      presentTask(await taskAt(context, actor, params)),
    ),
    forSession(contract.deleteTask, async (incoming) =>
      audited(context, incoming, { type: 'task', action: 'delete' }, async (draft) => {
        const task = await taskAt(context, incoming.actor, incoming.params)
        draft.before = await getStoredTask(incoming.actor, db, task)
        await removeTask(context, incoming, task)
        incoming.reply.code(202)
        return undefined
      }),
    ),
    forSession(contract.updateTaskInput, async (incoming) =>
      audited(context, incoming, { type: 'task', action: 'write' }, async (draft) => {
        const { actor, params, body, reply } = incoming
        const task = await taskAt(context, actor, params)
        draft.before = await getStoredTask(actor, db, task)
        await context.database.transaction((tx) => updatePrompt(actor, tx, task, body.input))
        draft.after = await getStoredTask(actor, db, task)
        reply.code(204)
        return undefined
      }),
    ),
    forSession(contract.sendToTask, async ({ actor, params, body }) => {
      await sendInput(context, tunnels, actor, await taskAt(context, actor, params), body.input)
      return undefined
    }),
    forSession(contract.getTaskLogs, async ({ actor, params }) =>
      logsOfTask(context, tunnels, actor, await taskAt(context, actor, params)),
    ),
    forSession(contract.pauseTask, async (incoming) =>
      pauseTask(context, incoming, await taskAt(context, incoming.actor, incoming.params)),
    ),
    forSession(contract.resumeTask, async (incoming) =>
      resumeTask(context, incoming, await taskAt(context, incoming.actor, incoming.params)),
    ),
    forAgent(
      contract.keepTaskLogSnapshot,
      async ({ agent, params, body }) => {
        const { task: id = '' } = params
        const task = isUuid(id) ? await findTask(agent.actor, db, id) : undefined
        if (task?.workspace_id !== agent.workspaceId) throw notFound()
        // What a program prints may be what no column holds.
        const messages = body.messages.map((one) => ({ ...one, content: storable(one.content) }))
        await keepSnapshot(agent.actor, db, task, { messages })
        return undefined
      },
      { bodyLimit: MAX_SNAPSHOT_BYTES },
    ),
  ]
}
