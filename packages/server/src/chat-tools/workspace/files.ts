import { Type } from 'typebox'

import { defineChatTool, failed } from '../define.ts'
import { ToolFault } from '../fault.ts'
import { checkPlanPath } from '../plan.ts'
import type { ChatTool } from '../tool.ts'
import type { ToolTurn } from '../turn.ts'
import { memberOf } from './chat-workspace.ts'

const MAX_DIFF = 64 * 1024
const path = Type.String({ minLength: 1, maxLength: 4096, description: 'Absolute path in the workspace.' })

/** `read_file`: numbered lines of a text file. */
export function readFileTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'read_file',
    description:
      'Reads a text file of the workspace, with numbered lines: at most 2000 lines and 32 KiB at once. Read on with offset.',
    input: Type.Object({
      path,
      offset: Type.Optional(Type.Integer({ minimum: 1, description: 'Line to begin with; 1 without it.' })),
      limit: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 2000, description: 'How many lines at most.' }),
      ),
    }),
    run: async ({ path: file, offset = 1, limit }, call) => {
      const query = new URLSearchParams({
        path: file,
        offset: String(offset),
        ...(limit === undefined ? {} : { limit: String(limit) }),
      })
      const answer = await turn.workspace.ask(
        { method: 'GET', path: `/api/v0/read-file-lines?${query}` },
        call.signal,
      )
      const content = String(memberOf(answer, 'content') ?? '')
      const size = Number(memberOf(answer, 'file_size') ?? 0)
      if (memberOf(answer, 'success') !== true)
        return failed(String(memberOf(answer, 'error') ?? 'the file cannot be read'))
      if (isBinary(content))
        return failed(`${file} is a binary file of ${size} bytes, which cannot be read as text.`, {
          file_size: size,
          next_action: 'Use execute with a program that understands the file.',
        })
      const total = Number(memberOf(answer, 'total_lines') ?? 0)
      const read = Number(memberOf(answer, 'lines_read') ?? 0)
      const next = offset + read
      return {
        content,
        file_size: size,
        total_lines: total,
        lines_read: read,
        ...(next <= total && read > 0
          ? { note: `${total - next + 1} lines follow. Read on with offset ${next}.` }
          : {}),
      }
    },
  })
}

/** `write_file`: replaces a whole file. */
export function writeFileTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'write_file',
    description:
      'Writes a whole text file in the workspace, and makes the folders above it. What it held before is lost: change parts with edit_files.',
    input: Type.Object({ path, content: Type.String({ maxLength: 16 * 1024 * 1024 }) }),
    run: async ({ path: file, content }, call) => {
      await checkPlanPath(turn, [file], call.signal)
      await turn.workspace.ask(
        {
          method: 'POST',
          path: `/api/v0/write-file?${new URLSearchParams({ path: file })}`,
          body: Buffer.from(content),
        },
        call.signal,
      )
      return { ok: true }
    },
  })
}

const text = (description: string) => Type.Optional(Type.String({ description }))

/** `edit_files`: replaces texts in files, in all of them or in none. */
export function editFilesTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'edit_files',
    description:
      'Replaces texts in files of the workspace: all edits are checked before any file is written. Each old_text must stand in its file exactly once, unless replace_all is set; white space may differ.',
    input: Type.Object({
      files: Type.Array(
        Type.Object({
          path,
          edits: Type.Array(
            Type.Object({
              old_text: text('Text to replace, with enough around it to be there only once.'),
              new_text: text('Text to put in its place.'),
              search: text('The same as old_text.'),
              replace: text('The same as new_text.'),
              replace_all: Type.Optional(Type.Boolean({ description: 'Replace it wherever it is.' })),
            }),
            { minItems: 1, maxItems: 200 },
          ),
        }),
        { minItems: 1, maxItems: 100 },
      ),
    }),
    run: async ({ files }, call) => {
      await checkPlanPath(
        turn,
        files.map((file) => file.path),
        call.signal,
      )
      const body = {
        tolerant: true,
        include_diff: true,
        files: files.map((file) => ({
          path: file.path,
          edits: file.edits.map((edit) => ({
            search: given(edit.old_text ?? edit.search, 'old_text'),
            replace: edit.new_text ?? edit.replace ?? '',
            replace_all: edit.replace_all === true,
          })),
        })),
      }
      const answer = await turn.workspace.ask(
        { method: 'POST', path: '/api/v0/edit-files', body, maxBytes: 64 * 1024 * 1024 },
        call.signal,
      )
      const edited = memberOf(answer, 'files')
      return {
        ok: true,
        files: (Array.isArray(edited) ? edited : []).map((entry: { path?: unknown; diff?: unknown }) => ({
          path: String(entry.path ?? ''),
          diff: cut(String(entry.diff ?? '')),
        })),
      }
    },
  })
}

function given(value: string | undefined, name: string): string {
  if (value !== undefined && value !== '') return value
  throw new ToolFault('refused', `An edit has no ${name}.`, 'Call edit_files again with the text to replace.')
}

function cut(diff: string): string {
  return diff.length <= MAX_DIFF
    ? diff
    : `${diff.slice(0, MAX_DIFF)}\n… ${diff.length - MAX_DIFF} characters omitted …`
}

/** Text has no NUL characters, and few that could not be read. */
function isBinary(content: string): boolean {
  if (content.includes('\0')) return true
  const unreadable = content.split('\uFFFD').length - 1
  return unreadable > 8 && unreadable > content.length / 50
}
