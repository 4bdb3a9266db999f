import type { Readable } from 'node:stream'

import type { AgentAccess, ShellCommand } from './api.ts'
import { ToolFault } from './tool.ts'

/** A connection to an agent that requests to its API go through, such as a tunnel. */
export interface AgentConnection {
  /** @throws Error when the connection is lost before the answer begins. */
  request(request: {
    readonly method: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Uint8Array
    readonly signal: AbortSignal
  }): Promise<{
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: Readable
  }>
}

const REQUEST_MS = 30_000
/** More than an answer of the agent holds: a file of 1 MiB, or the kept output of a command. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const PROCESSES = '/api/v0/processes'

/** A request to the API of an agent. */
export interface AgentRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | object
}

/** What an agent answered. */
export interface AgentAnswer {
  readonly bytes: Buffer
  readonly type: string
}

/** What an agent refuses, in its words. */
export class AgentFault extends ToolFault {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Works in workspaces through the API of their agents (chapter 07 section 6).
 *
 * @param connected lends the connection to an agent for some work. What it throws is thrown to who asked.
 */
export function agentApiAccess(
  connected: <T>(agentId: string, work: (connection: AgentConnection) => Promise<T>) => Promise<T>,
): AgentAccess {
  const ask = (agentId: string, request: AgentRequest): Promise<AgentAnswer> =>
    connected(agentId, (connection) => askAgent(connection, request, AbortSignal.timeout(REQUEST_MS)))
  return {
    run: (agentId, command) => connected(agentId, (connection) => runCommand(connection, command)),
    list: async (agentId, path) => {
      const answer = await ask(agentId, {
        method: 'POST',
        path: `/api/v0/list-directory?${new URLSearchParams({ path })}`,
        body: {},
      })
      const entries = member(answer, 'contents')
      return (Array.isArray(entries) ? entries : []).map(
        (entry: { absolute_path_string?: unknown; is_dir?: unknown }) => ({
          path: String(entry.absolute_path_string ?? ''),
          is_dir: entry.is_dir === true,
        }),
      )
    },
    read: async (agentId, path, { offset, limit }) => {
      const query = new URLSearchParams({ path, offset: String(offset), limit: String(limit) })
      const { bytes, type } = await ask(agentId, { method: 'GET', path: `/api/v0/read-file?${query}` })
      return { bytes, mimeType: type }
    },
    write: async (agentId, path, bytes) => {
      await ask(agentId, {
        method: 'POST',
        path: `/api/v0/write-file?${new URLSearchParams({ path })}`,
        body: bytes,
      })
    },
    edit: async (agentId, files) => {
      const answer = await ask(agentId, {
        method: 'POST',
        path: '/api/v0/edit-files',
        body: { files, include_diff: true },
      })
      const diffs = member(answer, 'files')
      return (Array.isArray(diffs) ? diffs : []).map((entry: { path?: unknown; diff?: unknown }) => ({
        path: String(entry.path ?? ''),
        diff: String(entry.diff ?? ''),
      }))
    },
  }
}

/**
 * Asks an agent and reads its whole answer.
 *
 * @param maxBytes what the answer may have at most.
 * @throws AgentFault with what the agent says, ToolFault for a longer answer, Error when the agent is lost.
 */
export async function askAgent(
  connection: AgentConnection,
  { method, path, headers, body }: AgentRequest,
  signal: AbortSignal,
  maxBytes = MAX_ANSWER_BYTES,
): Promise<AgentAnswer> {
  const answer = await connection.request({
    method,
    path,
    signal,
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined
      ? {}
      : { body: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)) }),
  })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer.body) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > maxBytes) {
      answer.body.destroy()
      throw new ToolFault('the agent has sent more than can be taken')
    }
    chunks.push(bytes)
  }
  const got = { bytes: Buffer.concat(chunks), type: answer.headers['content-type'] ?? '' }
  if (answer.status < 300) return got
  throw new AgentFault(
    answer.status,
    String(member(got, 'message') ?? `the agent answered ${answer.status}`).slice(0, 2_000),
  )
}

async function runCommand(
  connection: AgentConnection,
  { command, timeoutMs, background, signal }: ShellCommand,
): ReturnType<AgentAccess['run']> {
  const started = await askAgent(
    connection,
    { method: 'POST', path: `${PROCESSES}/start`, body: { command, background } },
    AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  )
  const id = encodeURIComponent(String(member(started, 'id')))
  const output = (wait: boolean, until: AbortSignal): Promise<AgentAnswer> =>
    askAgent(
      connection,
      { method: 'GET', path: `${PROCESSES}/${id}/output${wait ? '?wait=true' : ''}` },
      until,
    )
  const over = AbortSignal.timeout(timeoutMs)
  try {
    return outcomeOf(await output(true, AbortSignal.any([signal, over])))
  } catch (error) {
    if (!over.aborted && !signal.aborted) throw error
  }
  if (!background || signal.aborted)
    // It may just have ended by itself.
    await askAgent(
      connection,
      { method: 'POST', path: `${PROCESSES}/${id}/signal`, body: { signal: 'kill' } },
      AbortSignal.timeout(REQUEST_MS),
    ).catch((error: unknown) => {
      if (!(error instanceof ToolFault)) throw error
    })
  signal.throwIfAborted()
  const { output: text } = outcomeOf(await output(!background, AbortSignal.timeout(REQUEST_MS)))
  return { output: text, exitCode: undefined }
}

function outcomeOf(answer: AgentAnswer): { readonly output: string; readonly exitCode: number | undefined } {
  const code = member(answer, 'exit_code')
  return {
    output: String(member(answer, 'output') ?? ''),
    exitCode: typeof code === 'number' ? code : undefined,
  }
}

/** A member of an answer in JSON; undefined where there is none. */
function member({ bytes }: AgentAnswer, name: string): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  } catch {
    return undefined
  }
}
