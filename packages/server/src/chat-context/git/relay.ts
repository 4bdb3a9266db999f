import type { Duplex } from 'node:stream'

import type { WebSocket } from 'ws'

import type { TunnelClient } from '@slipway/tunnel'
import { type AgentRow, chooseAgent, listLatestAgents } from '../../agents/index.ts'
import { type Actor, isAllowed } from '../../authz/index.ts'
import { getReadableChat } from '../../chats/index.ts'
import type { AppContext } from '../../context.ts'
import { ApiError, badRequest, forbidden } from '../../errors/index.ts'
import { getWorkspace, type WorkspaceRow, workspaceObject } from '../../workspaces/index.ts'

/** Longest message of an agent: the diffs of its repositories. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
/** What a client that reads slowly has not taken yet before the agent has to wait. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024
/** A client only ever says `refresh`. */
const MAX_REQUEST_BYTES = 4 * 1024

/** Where the repositories of a chat are. */
export interface GitTarget {
  readonly chatId: string
  readonly agent: AgentRow
}

/**
 * The agent in which a reader of a chat may watch its repositories (CH-1502, CH-308).
 *
 * @throws ApiError 404, 403, 400 with the words that clients look for.
 */
export async function gitTarget(context: AppContext, actor: Actor, chatId: string): Promise<GitTarget> {
  const { db } = context.database
  const { chat } = await getReadableChat(actor, db, chatId)
  if (chat.workspace_id === null) throw badRequest('Chat has no workspace to watch.')
  const workspace = await readWorkspace(context, actor, chat.workspace_id)
  const object = workspaceObject(workspace)
  if (!isAllowed(actor, 'application_connect', object) && !isAllowed(actor, 'ssh', object))
    throw forbidden('You may not connect to the workspace of this chat.')
  const { agent } = chooseAgent(await listLatestAgents(actor, db, workspace))
  if (agent === undefined) throw badRequest('No eligible agent found for chat workspace.')
  if (agent.status !== 'connected')
    throw badRequest(`Agent state is ${JSON.stringify(agent.status)}, it must be "connected".`)
  return { chatId: chat.id, agent }
}

async function readWorkspace(context: AppContext, actor: Actor, id: string): Promise<WorkspaceRow> {
  const gone = (): ApiError => badRequest('Chat workspace not found.')
  try {
    const workspace = await getWorkspace(actor, context.database.db, id)
    if (workspace.deleted) throw gone()
    return workspace
  } catch (error) {
    throw error instanceof ApiError && error.status === 404 ? gone() : error
  }
}

/** Joins a client to the git watcher of an agent: JSON messages both ways; whoever is slow makes the other side wait. */
export async function relayGit(
  socket: WebSocket,
  tunnel: Promise<TunnelClient>,
  chatId: string,
): Promise<void> {
  let ask = (): void => undefined
  socket.on('message', (data) => {
    const text = String(data)
    if (text.length <= MAX_REQUEST_BYTES && isRefresh(text)) ask()
    else socket.close(1003, 'send {"type":"refresh"}')
  })
  let stream: Duplex
  try {
    stream = await (await tunnel).connect('git:0', { 'coder-chat-id': chatId })
  } catch (error) {
    socket.close(1011, (error instanceof Error ? error.message : String(error)).slice(0, 120))
    return
  }
  if (socket.readyState !== socket.OPEN) {
    stream.destroy()
    return
  }
  // An agent that does not read will look anyway.
  ask = () => {
    if (!stream.writableNeedDrain) stream.write('{"type":"refresh"}\n')
  }
  let pending: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (;;) {
      const end = rest.indexOf(0x0a)
      if (end < 0) break
      socket.send(Buffer.concat([...pending, rest.subarray(0, end)]), { binary: false }, () => {
        if (stream.isPaused() && socket.bufferedAmount < MAX_BACKLOG_BYTES / 2) stream.resume()
      })
      pending = []
      size = 0
      rest = rest.subarray(end + 1)
    }
    if (rest.length > 0) pending.push(rest)
    size += rest.length
    if (size > MAX_LINE_BYTES) stream.destroy()
    else if (socket.bufferedAmount > MAX_BACKLOG_BYTES) stream.pause()
  })
  stream.on('error', () => socket.close(1011, 'the connection to the workspace was lost'))
  stream.on('close', () => socket.close(1011, 'the connection to the workspace was lost'))
  socket.on('close', () => stream.destroy())
}

function isRefresh(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'type' in value && value.type === 'refresh'
  } catch {
    return false
  }
}
