import { randomUUID } from 'node:crypto'

import { Type } from 'typebox'

import { AgentFault } from '@slipway/mcp-tools'
import { parseDuration } from '../../config/index.ts'
import { defineChatTool, failed } from '../define.ts'
import { ToolFault } from '../fault.ts'
import { plainOutput } from '../storable.ts'
import type { ChatTool, ToolCall } from '../tool.ts'
import type { ToolTurn } from '../turn.ts'
import { memberOf } from './chat-workspace.ts'

const PROCESSES = '/api/v0/processes'
const DEFAULT_WAIT_MS = 10_000
/** One call waits no longer: a run may take 15 minutes at a time (CH-606). */
const MAX_WAIT_MS = 10 * 60_000
/** How often who watches sees what has come since, in milliseconds. */
const SHOW_MS = 1_000
const ANSWER_GRACE_MS = 20_000
/** Killed by signal 9, which is what happens when memory runs out. */
const KILLED = 137
/** Longest output that is taken, in characters: 32 KiB, and what is said between beginning and end. */
const MAX_OUTPUT = 33 * 1024

/** Tells programs that nobody is there to answer or to look at colours (CH-11.2). */
function environmentOf(chatId: string): Readonly<Record<string, string>> {
  return {
    CODER_CHAT_AGENT: 'true',
    AGENT_BROWSER_SESSION: chatId,
    GIT_EDITOR: 'true',
    GIT_SEQUENCE_EDITOR: 'true',
    EDITOR: 'true',
    VISUAL: 'true',
    GIT_TERMINAL_PROMPT: '0',
    NO_COLOR: '1',
    TERM: 'dumb',
    PAGER: 'cat',
    GIT_PAGER: 'cat',
  }
}

const duration = (description: string) =>
  Type.Optional(Type.String({ maxLength: 32, description: `${description} Such as "30s" or "2m".` }))
const intent = Type.Optional(
  Type.String({ maxLength: 500, description: 'What this is for, in a few words for the user.' }),
)

/** `execute`: runs a command with `sh -c`. */
export function executeTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'execute',
    description:
      'Runs a shell command in the workspace and gives its output, stdout and stderr together, and its exit code. When the timeout is over the command keeps running, and its background_process_id is given: read on with process_output. Servers belong into the background (run_in_background). Each call is a new shell: set workdir, or use absolute paths.',
    input: Type.Object({
      command: Type.String({ minLength: 1, maxLength: 262_144, description: 'What to run, as in `sh -c`.' }),
      timeout: duration('How long to wait for its end; 10s without it.'),
      workdir: Type.Optional(
        Type.String({ maxLength: 4096, description: 'Absolute path of the folder to run it in.' }),
      ),
      run_in_background: Type.Optional(
        Type.Boolean({ description: 'Do not wait for its end, such as for a server.' }),
      ),
      model_intent: intent,
    }),
    run: async ({ command, timeout, workdir, run_in_background = false }, call) => {
      const waitMs = durationOf(timeout)
      const stripped = withoutAmpersand(command)
      if (stripped === '') return failed('The command is empty.')
      const background = run_in_background || stripped !== command.trimEnd()
      const began = performance.now()
      const id = await start(turn, call, { command: stripped, workdir, background })
      if (background) {
        return {
          success: true,
          output: '',
          exit_code: 0,
          wall_duration_ms: Math.round(performance.now() - began),
          backgrounded: true,
          background_process_id: id,
          note: 'The command runs in the background. Read what it prints with process_output.',
        }
      }
      return resultOf(await follow(turn, call, id, waitMs), id, performance.now() - began, waitMs)
    },
  })
}

/** `process_output`: what a process has printed, once it has ended or the time is over. */
export function processOutputTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'process_output',
    description:
      'Waits for a process that execute has left running, and gives its output so far and whether it still runs.',
    input: Type.Object({
      process_id: Type.String({ minLength: 1, maxLength: 64 }),
      wait_timeout: duration('How long to wait for its end; 10s without it, "0s" looks only.'),
      model_intent: intent,
    }),
    run: async ({ process_id, wait_timeout }, call) => {
      const waitMs = durationOf(wait_timeout)
      const began = performance.now()
      const state = await follow(turn, call, process_id, waitMs).catch((error: unknown) => {
        if (error instanceof ToolFault && error.code === 'process_lost')
          throw new ToolFault(
            'process_lost',
            `There is no process ${process_id} of this chat.`,
            'Call process_list to see those that there are.',
          )
        throw error
      })
      return {
        ...resultOf(state, process_id, performance.now() - began, waitMs),
        command: state.command,
        running: state.running,
      }
    },
  })
}

/** `process_list`: the processes that this chat has started. */
export function processListTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'process_list',
    description: 'Lists the processes that this chat has started in the workspace, running ones first.',
    input: Type.Object({}),
    run: async (_args, call) => {
      const answer = await turn.workspace.ask({ method: 'GET', path: `${PROCESSES}/list` }, call.signal)
      const processes = memberOf(answer, 'processes')
      return { processes: Array.isArray(processes) ? processes : [] }
    },
  })
}

/** `process_signal`: ends a process. */
export function processSignalTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'process_signal',
    description: 'Asks a process of this chat to end (terminate), or ends it (kill).',
    input: Type.Object({
      process_id: Type.String({ minLength: 1, maxLength: 64 }),
      signal: Type.Union([Type.Literal('terminate'), Type.Literal('kill')]),
    }),
    run: async ({ process_id, signal }, call) => {
      await signalProcess(turn, process_id, signal, call.signal)
      return { success: true, message: `Sent ${signal} to ${process_id}.` }
    },
  })
}

/** Starts a command, or finds the one that an earlier process has started for this very call (B-5). */
async function start(
  turn: ToolTurn,
  call: ToolCall,
  { command, workdir, background }: { command: string; workdir: string | undefined; background: boolean },
): Promise<string> {
  const noted = notedIn(call)
  if (noted?.started === true) return noted.id
  const opened = await turn.workspace.open(call.signal)
  // Known before it exists: an answer that is lost leaves no process that nobody finds.
  const id = noted?.id ?? randomUUID()
  if (noted === undefined) await call.noteResume({ process_id: id, started: false })
  try {
    await turn.workspace.ask(
      {
        method: 'POST',
        path: `${PROCESSES}/start`,
        // The agent knows the id.
        isIdempotent: true,
        body: {
          id,
          command,
          background,
          ...(workdir === undefined ? {} : { workdir }),
          env: environmentOf(turn.chat.id),
        },
      },
      call.signal,
      opened,
    )
  } catch (error) {
    // What the system says is the same for the folder and for the shell.
    if (error instanceof AgentFault && error.message.includes('ENOENT'))
      throw new ToolFault(
        'refused',
        workdir === undefined ? 'The workspace has no sh, which runs commands.' : `${workdir} is no folder.`,
        workdir === undefined
          ? 'Tell the user that the template of this workspace lacks a shell.'
          : 'Call execute with a folder that exists.',
      )
    throw error
  }
  await call.noteResume({ process_id: id, started: true })
  return id
}

function notedIn({ resume }: ToolCall): { readonly id: string; readonly started: boolean } | undefined {
  if (typeof resume !== 'object' || resume === null || Array.isArray(resume)) return undefined
  if (!('process_id' in resume) || typeof resume.process_id !== 'string') return undefined
  return { id: resume.process_id, started: 'started' in resume && resume.started === true }
}

interface ProcessState {
  readonly output: string
  readonly truncated: object | undefined
  readonly running: boolean
  readonly exitCode: number | undefined
  readonly command: string
}

/** Waits for the end of a process and shows what it prints meanwhile. A lost connection is opened again. */
async function follow(turn: ToolTurn, call: ToolCall, id: string, waitMs: number): Promise<ProcessState> {
  const until = performance.now() + waitMs
  let shown = ''
  for (;;) {
    const left = Math.max(0, until - performance.now())
    const slice = Math.min(left, SHOW_MS)
    try {
      const state = await look(turn, call.signal, id, slice)
      if (state.truncated === undefined && state.output.startsWith(shown)) {
        const { text } = plainOutput(state.output.slice(shown.length))
        if (text !== '') call.progress(text)
        shown = state.output
      }
      if (!state.running || performance.now() >= until) return state
    } catch (error) {
      if (call.signal.aborted) await endIfUnwanted(turn, id)
      throw error
    }
  }
}

async function look(turn: ToolTurn, signal: AbortSignal, id: string, waitMs: number): Promise<ProcessState> {
  const query = waitMs > 0 ? `?wait=true&timeout_ms=${Math.ceil(waitMs)}` : ''
  try {
    const answer = await turn.workspace.ask(
      {
        method: 'GET',
        path: `${PROCESSES}/${encodeURIComponent(id)}/output${query}`,
        timeoutMs: Math.ceil(waitMs) + ANSWER_GRACE_MS,
      },
      signal,
    )
    const code = memberOf(answer, 'exit_code')
    const truncated = memberOf(answer, 'truncated')
    return {
      output: bounded(String(memberOf(answer, 'output') ?? '')),
      truncated: typeof truncated === 'object' && truncated !== null ? truncated : undefined,
      running: memberOf(answer, 'running') === true,
      exitCode: typeof code === 'number' ? code : undefined,
      command: String(memberOf(answer, 'command') ?? ''),
    }
  } catch (error) {
    if (!(error instanceof AgentFault && error.status === 404)) throw error
    throw new ToolFault(
      'process_lost',
      'The process is gone: its workspace was restarted, perhaps because it ran out of memory. What it has done is unknown.',
      'Look with execute what the command has done, before you run it again.',
    )
  }
}

/**
 * Ends a process whose call nobody waits for any more: the user has interrupted it. A run that only moves to another
 * replica finds it again instead (B-5).
 */
async function endIfUnwanted(turn: ToolTurn, id: string): Promise<void> {
  const patience = AbortSignal.timeout(ANSWER_GRACE_MS)
  try {
    const chat = await turn.workspace.chatNow()
    const goesOn = chat.status === 'running' && chat.history_version === turn.chat.history_version
    if (!goesOn) await signalProcess(turn, id, 'terminate', patience)
  } catch (error) {
    turn.context.log.debug('a process of an interrupted call could not be ended', {
      process: id,
      error: String(error),
    })
  }
}

async function signalProcess(
  turn: ToolTurn,
  id: string,
  signal: 'terminate' | 'kill',
  until: AbortSignal,
): Promise<void> {
  await turn.workspace.ask(
    { method: 'POST', path: `${PROCESSES}/${encodeURIComponent(id)}/signal`, body: { signal } },
    until,
  )
}

function resultOf(
  state: ProcessState,
  id: string,
  durationMs: number,
  waitMs: number,
): Readonly<Record<string, unknown>> {
  const { text, wasChanged } = plainOutput(state.output)
  const ended = !state.running
  const notes = [
    ...(wasChanged ? ['Control characters of terminals were taken out of the output.'] : []),
    ...(state.exitCode === KILLED
      ? [
          'The command was killed, most likely because memory ran out. Run it again so that it needs less memory.',
        ]
      : []),
    ...(state.exitCode === 127 && text.split('\n').some(isUnknownProgram)
      ? ['A program was not found: look whether it is installed with `command -v`.']
      : []),
  ]
  return {
    success: ended && state.exitCode === 0,
    output: text,
    exit_code: state.exitCode ?? -1,
    wall_duration_ms: Math.round(durationMs),
    ...(state.truncated === undefined ? {} : { truncated: state.truncated }),
    ...(ended
      ? {}
      : {
          error: `The command still runs after ${Math.round(waitMs / 1_000)} s. It goes on in the background.`,
          background_process_id: id,
        }),
    ...(notes.length === 0 ? {} : { note: notes.join(' ') }),
  }
}

function isUnknownProgram(line: string): boolean {
  const shell = line.search(/\bsh: /)
  return shell >= 0 && line.includes('not found', shell)
}

/** Agents keep 32 KiB; nothing makes one that was tampered with do so. */
function bounded(output: string): string {
  return output.length <= MAX_OUTPUT
    ? output
    : `${output.slice(0, MAX_OUTPUT)}\n… ${output.length - MAX_OUTPUT} characters omitted …\n`
}

/** @throws ToolFault for what is no duration. */
function durationOf(text: string | undefined): number {
  if (text === undefined || text.trim() === '') return DEFAULT_WAIT_MS
  const parsed = parseDuration(text.trim())
  if (parsed === undefined || parsed < 0)
    throw new ToolFault('refused', `${JSON.stringify(text)} is no duration.`, 'Write it as in "30s" or "2m".')
  return Math.min(parsed, MAX_WAIT_MS)
}

/** A command without the `&` at its end, which `&&`, `|&`, `>&` and `\&` are not. */
export function withoutAmpersand(command: string): string {
  const trimmed = command.trimEnd()
  return /(^|[^&|>\\])&$/.test(trimmed) ? trimmed.slice(0, -1).trimEnd() : trimmed
}
