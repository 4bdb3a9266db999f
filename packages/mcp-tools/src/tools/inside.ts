import { setTimeout as delay } from 'node:timers/promises'

import { Type } from 'typebox'

import { getAppHost } from '@slipway/contract'
import { openWorkspace } from '../open-workspace.ts'
import { defineTool, type Tool, ToolFault } from '../tool.ts'
import { WORKSPACE_FORMS } from '../workspace-argument.ts'

const BASH_TIMEOUT_MS = 60_000
/** For all of a call, with the start of the workspace (OA-93). */
const BASH_CAP_MS = 5 * 60_000
/** As a shell tells that `timeout` has ended a command. */
const TIMED_OUT = 124
const MAX_READ_BYTES = 1_048_576

const workspace = Type.String({ minLength: 1, description: WORKSPACE_FORMS })
const path = Type.String({ pattern: '^/', description: 'Absolute path in the workspace.' })
const scopes = ['workspace:read', 'workspace:ssh']
const Diffs = Type.Object({
  message: Type.String(),
  files: Type.Array(Type.Object({ path: Type.String(), diff: Type.String() })),
})

const bash = defineTool({
  name: 'coder_workspace_bash',
  title: 'Run command',
  description: `Runs a shell command in a workspace and gives what it printed, stdout and stderr together, and its exit code; an exit code other than 0 is an ordinary result. When timeout_ms is over the exit code is ${TIMED_OUT}, and the command is cancelled unless background is set: then it goes on, and only the capture of its output ends. A call takes five minutes at most, with the start of the workspace. Nothing is kept between calls: use absolute paths.`,
  effect: 'destroys',
  input: Type.Object({
    workspace,
    command: Type.String({ minLength: 1, description: 'What to run, as in `sh -c`.' }),
    timeout_ms: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: `How long to wait for its end, in milliseconds; ${BASH_TIMEOUT_MS} without it.`,
      }),
    ),
    background: Type.Optional(
      Type.Boolean({ description: 'Leave the command running when the time is over, such as a server.' }),
    ),
  }),
  output: Type.Object({ output: Type.String(), exit_code: Type.Integer() }),
  scopes,
  isLong: true,
  run: async ({ command, timeout_ms = BASH_TIMEOUT_MS, background = false, ...args }, context) => {
    const cap = AbortSignal.timeout(BASH_CAP_MS)
    const began = performance.now()
    const signal = AbortSignal.any([context.signal, cap])
    const { agent } = await openWorkspace({ ...context, signal }, args.workspace).catch((error: unknown) => {
      throw cap.aborted ? new ToolFault('the workspace could not be reached within five minutes') : error
    })
    const left = Math.max(1, Math.floor(BASH_CAP_MS - (performance.now() - began)))
    const told = tellTime(context.signal, context.progress)
    try {
      const { output, exitCode } = await context.agents.run(agent.id, {
        command,
        timeoutMs: Math.min(timeout_ms, left),
        background,
        signal: context.signal,
      })
      if (exitCode !== undefined) return { output: output.trim(), exit_code: exitCode }
      const end = background ? 'Command continues running in background' : 'Command canceled due to timeout'
      return { output: `${output.trim()}\n${end}`.trim(), exit_code: TIMED_OUT }
    } finally {
      told.abort()
      await told.done
    }
  },
})

const TELL_MS = 5_000

/** Says again and again that a command still runs. */
function tellTime(
  signal: AbortSignal,
  progress: (message: string) => void,
): { readonly abort: () => void; readonly done: Promise<void> } {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const began = performance.now()
  const run = async (): Promise<void> => {
    while (!either.aborted) {
      await delay(TELL_MS, undefined, { signal: either }).catch(() => undefined)
      if (!either.aborted) progress(`running for ${Math.round((performance.now() - began) / 1_000)} s`)
    }
  }
  return { abort: () => over.abort(), done: run() }
}

const ls = defineTool({
  name: 'coder_workspace_ls',
  title: 'List folder',
  description: 'Lists a folder of a workspace.',
  effect: 'reads',
  input: Type.Object({ workspace, path }),
  output: Type.Object({
    contents: Type.Array(Type.Object({ path: Type.String(), is_dir: Type.Boolean() })),
  }),
  scopes,
  isLong: true,
  run: async (args, context) => {
    const { agent } = await openWorkspace(context, args.workspace)
    return { contents: [...(await context.agents.list(agent.id, args.path))] }
  },
})

const readFile = defineTool({
  name: 'coder_workspace_read_file',
  title: 'Read file',
  description: `Reads a file of a workspace, at most ${MAX_READ_BYTES} bytes at once; content is base64.`,
  effect: 'reads',
  input: Type.Object({
    workspace,
    path,
    offset: Type.Optional(Type.Integer({ minimum: 0, description: 'Byte to begin at; 0 without it.' })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_READ_BYTES,
        description: `Bytes at most; ${MAX_READ_BYTES} without it.`,
      }),
    ),
  }),
  output: Type.Object({ content: Type.String(), mimeType: Type.String() }),
  scopes,
  isLong: true,
  run: async ({ offset = 0, limit = MAX_READ_BYTES, ...args }, context) => {
    const { agent } = await openWorkspace(context, args.workspace)
    const { bytes, mimeType } = await context.agents.read(agent.id, args.path, { offset, limit })
    return { content: Buffer.from(bytes).toString('base64'), mimeType }
  },
})

const writeFile = defineTool({
  name: 'coder_workspace_write_file',
  title: 'Write file',
  description:
    'Writes a whole file in a workspace and makes the folders above it. What the file held before is lost: use coder_workspace_edit_file to change parts.',
  effect: 'destroys',
  input: Type.Object({
    workspace,
    path,
    content: Type.String({
      pattern: '^[A-Za-z0-9+/]*={0,2}$',
      description: 'What the file is to hold, in base64.',
    }),
  }),
  output: Type.Object({ message: Type.String() }),
  scopes,
  isLong: true,
  run: async (args, context) => {
    const { agent } = await openWorkspace(context, args.workspace)
    await context.agents.write(agent.id, args.path, Buffer.from(args.content, 'base64'))
    return { message: 'File written successfully.' }
  },
})

const search = Type.String({
  minLength: 1,
  description:
    'Text to replace, exactly as it stands in the file, with enough around it to be there only once.',
})
const replace = Type.String({ description: 'Text to put in its place.' })

const editFile = defineTool({
  name: 'coder_workspace_edit_file',
  title: 'Edit file',
  description:
    'Replaces texts in a file of a workspace. Each search text must be in the file exactly once; otherwise nothing is changed.',
  effect: 'destroys',
  input: Type.Object({
    workspace,
    path,
    edits: Type.Array(Type.Object({ search, replace }), { minItems: 1, maxItems: 100 }),
  }),
  output: Diffs,
  scopes,
  isLong: true,
  run: async (args, context) => {
    const { agent } = await openWorkspace(context, args.workspace)
    const files = await context.agents.edit(agent.id, [{ path: args.path, edits: args.edits }])
    return { message: 'File edited successfully.', files: [...files] }
  },
})

const editFiles = defineTool({
  name: 'coder_workspace_edit_files',
  title: 'Edit files',
  description:
    'Replaces texts in several files of a workspace: all of them, or none. Each search text must be in its file exactly once, unless replace_all is set.',
  effect: 'destroys',
  input: Type.Object({
    workspace,
    files: Type.Array(
      Type.Object({
        path,
        edits: Type.Array(
          Type.Object({
            search,
            replace,
            replace_all: Type.Optional(Type.Boolean({ description: 'Replace it wherever it is.' })),
          }),
          { minItems: 1, maxItems: 100 },
        ),
      }),
      { minItems: 1, maxItems: 100 },
    ),
  }),
  output: Diffs,
  scopes,
  isLong: true,
  run: async (args, context) => {
    const { agent } = await openWorkspace(context, args.workspace)
    const files = await context.agents.edit(agent.id, args.files)
    return { message: 'Files edited successfully.', files: [...files] }
  },
})

const portForward = defineTool({
  name: 'coder_workspace_port_forward',
  title: 'URL of port',
  description:
    'Gives the URL under which a web server on a port of a workspace can be opened in a browser. It is for the owner, unless the port is shared.',
  effect: 'reads',
  input: Type.Object({
    workspace,
    port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port that the server listens on.' }),
  }),
  output: Type.Object({ url: Type.String() }),
  scopes,
  isLong: true,
  run: async (args, context) => {
    const { host } = await context.api.call(getAppHost)
    if (host === '')
      throw new ToolFault(
        'this deployment has no wildcard host for ports: an administrator sets one with --wildcard-access-url',
      )
    const opened = await openWorkspace(context, args.workspace)
    const label = [args.port, opened.agent.name, opened.workspace.name, opened.workspace.owner_name].join(
      '--',
    )
    const scheme = context.accessUrl.startsWith('https:') ? 'https' : 'http'
    return { url: `${scheme}://${host.replace('*', label)}` }
  },
})

/** Tools that work inside a workspace. */
export const insideTools: readonly Tool[] = [bash, ls, readFile, writeFile, editFile, editFiles, portForward]
