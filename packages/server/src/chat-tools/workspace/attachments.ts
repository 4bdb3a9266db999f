import { Type } from 'typebox'

import { storeToolFile } from '../../chat-files/index.ts'
import { defineChatTool, failed } from '../define.ts'
import { ownerOf } from '../owner.ts'
import type { ChatTool, ToolOutcome } from '../tool.ts'
import type { ToolTurn } from '../turn.ts'

const MAX_FILE = 10 * 1024 * 1024
const MAX_PLAN = 32 * 1024
const path = Type.String({ minLength: 1, maxLength: 4096, description: 'Absolute path in the workspace.' })

/** `attach_file`: shows a file of the workspace to the user. */
export function attachFileTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'attach_file',
    description:
      'Attaches a file of the workspace to the chat, so that the user can see and download it: text, Markdown, CSV, JSON, PDF or an image, at most 10 MiB.',
    input: Type.Object({
      path,
      name: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Name for the user.' })),
    }),
    run: async ({ path: file, name }, call) => {
      const data = await readWhole(turn, file, MAX_FILE, call.signal)
      if (data === undefined) return failed(`${file} has more than ${MAX_FILE} bytes.`)
      const shown = name ?? baseName(file)
      const info = await store(turn, shown, data)
      return {
        result: {
          ok: true,
          path: file,
          file_id: info.id,
          name: info.name,
          media_type: info.mimetype,
          size: data.length,
        },
        files: [{ type: 'file', file_id: info.id, media_type: info.mimetype, name: info.name }],
      } satisfies ToolOutcome
    },
  })
}

/** `propose_plan`: shows the plan to the user, and ends the turn (CH-11.2). */
export function proposePlanTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'propose_plan',
    description:
      'Shows the plan that was written to the plan file to the user for approval. The turn ends here.',
    stopsTurn: true,
    input: Type.Object({ path }),
    run: async ({ path: file }, call) => {
      if (!file.toLowerCase().endsWith('.md'))
        return failed('A plan is a Markdown file: its name ends in .md.')
      const data = await readWhole(turn, file, MAX_PLAN, call.signal)
      if (data === undefined) return failed(`The plan has more than ${MAX_PLAN} bytes. Shorten it.`)
      if (data.toString('utf8').trim() === '') return failed('The plan is empty. Write it first.')
      const info = await store(turn, baseName(file), data)
      return {
        result: { ok: true, path: file, kind: 'plan', file_id: info.id, media_type: info.mimetype },
        files: [{ type: 'file', file_id: info.id, media_type: info.mimetype, name: info.name }],
      } satisfies ToolOutcome
    },
  })
}

/** `ask_user_question`: asks the user, and ends the turn; the answer is the next message. */
export function askUserQuestionTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'ask_user_question',
    description:
      'Asks the user questions with two to four options each. The turn ends here, and the answer is the next message.',
    stopsTurn: true,
    input: Type.Object({
      questions: Type.Array(
        Type.Object({
          header: Type.String({ minLength: 1, maxLength: 100 }),
          question: Type.String({ minLength: 1, maxLength: 2_000 }),
          options: Type.Array(
            Type.Object({
              label: Type.String({ minLength: 1, maxLength: 200 }),
              description: Type.String({ maxLength: 1_000 }),
            }),
            { minItems: 2, maxItems: 4 },
          ),
        }),
        { minItems: 1, maxItems: 10 },
      ),
    }),
    run: async ({ questions }) => ({ questions }),
  })
}

async function store(turn: ToolTurn, name: string, data: Buffer): ReturnType<typeof storeToolFile> {
  const { actor } = await ownerOf(turn.context, turn.chat)
  return storeToolFile(actor, turn.context.database.db, {
    ownerId: turn.chat.owner_id,
    organizationId: turn.chat.organization_id,
    name,
    data,
  })
}

/** A whole file; undefined when it has more than `limit` bytes. */
export async function readWhole(
  turn: ToolTurn,
  file: string,
  limit: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const query = new URLSearchParams({ path: file, limit: String(limit + 1) })
  const { bytes } = await turn.workspace.ask(
    { method: 'GET', path: `/api/v0/read-file?${query}`, maxBytes: limit + 1 },
    signal,
  )
  return bytes.length > limit ? undefined : bytes
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1)
}
