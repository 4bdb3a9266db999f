import { Type } from 'typebox'

import { describeError } from '@slipway/request-log'
import { findSkill, listSkills, pinnedContext, type Skill } from '../../chat-context/index.ts'
import { defineChatTool, failed } from '../define.ts'
import { ToolFault } from '../fault.ts'
import type { ChatTool } from '../tool.ts'
import type { ToolTurn } from '../turn.ts'
import { readWhole } from './attachments.ts'
import { memberOf } from './chat-workspace.ts'

const MAX_FILE = 512 * 1024
const MAX_FILES = 200
/** Nobody waits longer for what is only good to know. */
const LIST_MS = 3_000
const name = Type.String({ minLength: 1, maxLength: 80, description: 'Name of the skill, as it is listed.' })

/** `read_skill`: how to do a kind of work (CH-1303). */
export function readSkillTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'read_skill',
    description: 'Gives what a skill says, its folder, and the files that belong to it.',
    input: Type.Object({ name }),
    run: async (args, call) => {
      const skill = await skillOf(turn, args.name)
      return {
        name: skill.name,
        description: skill.description,
        body: await skill.body(),
        dir: skill.directory ?? '',
        files: skill.directory === undefined ? [] : await filesOf(turn, skill.directory, call.signal),
      }
    },
  })
}

/** `read_skill_file`: a file that belongs to a skill. */
export function readSkillFileTool(turn: ToolTurn): ChatTool {
  return defineChatTool(turn.context.log, {
    name: 'read_skill_file',
    description: 'Reads a file that belongs to a skill.',
    input: Type.Object({
      name,
      path: Type.String({
        minLength: 1,
        maxLength: 1024,
        description: 'Path within the folder of the skill.',
      }),
    }),
    run: async (args, call) => {
      const { directory } = await skillOf(turn, args.name)
      if (directory === undefined) return failed('This skill has no files: its text is all there is.')
      if (!isInside(args.path))
        return failed('The path has to be relative, without hidden parts and without "..".')
      const data = await readWhole(turn, `${directory}/${args.path}`, MAX_FILE, call.signal)
      if (data === undefined) return failed(`The file has more than ${MAX_FILE} bytes.`)
      if (data.includes(0)) return failed('The file is no text.')
      return { content: data.toString('utf8') }
    },
  })
}

/** Whether a path stays within its folder and shows nothing hidden. */
export function isInside(path: string): boolean {
  return !path.startsWith('/') && path.split('/').every((part) => part !== '' && !part.startsWith('.'))
}

/** A skill by its name, which may say where it is from. @throws ToolFault. */
async function skillOf(turn: ToolTurn, wanted: string): Promise<Skill> {
  const { context, chat } = turn
  const skills = await listSkills(context, chat, await pinnedContext(context, chat))
  const skill = findSkill(skills, wanted)
  if (skill !== undefined) return skill
  throw new ToolFault(
    'refused',
    skills.length === 0
      ? `There is no skill ${wanted}: this chat has none.`
      : `There is no skill ${wanted}, but ${skills.map((one) => one.name).join(', ')}.`,
    'Go on without it.',
  )
}

/** What the folder of a skill has beside the skill itself; nothing while the workspace cannot be reached. */
async function filesOf(turn: ToolTurn, directory: string, signal: AbortSignal): Promise<string[]> {
  try {
    const answer = await turn.workspace.ask(
      {
        method: 'POST',
        path: `/api/v0/list-directory?${new URLSearchParams({ path: directory })}`,
        body: {},
      },
      AbortSignal.any([signal, AbortSignal.timeout(LIST_MS)]),
    )
    const entries = memberOf(answer, 'contents')
    return (Array.isArray(entries) ? entries : [])
      .map(
        (entry: { name?: unknown; is_dir?: unknown }) =>
          `${String(entry.name ?? '')}${entry.is_dir === true ? '/' : ''}`,
      )
      .filter((file) => !file.startsWith('.') && file !== 'SKILL.md')
      .slice(0, MAX_FILES)
  } catch (error) {
    signal.throwIfAborted()
    turn.context.log.debug('the files of a skill could not be listed', {
      skill: directory,
      error: describeError(error),
    })
    return []
  }
}
