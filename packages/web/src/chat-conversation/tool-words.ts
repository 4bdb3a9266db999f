import {
  Bot,
  Boxes,
  FilePen,
  FileSearch,
  FileText,
  Globe,
  Hammer,
  LayoutTemplate,
  List,
  type LucideIcon,
  MessageSquare,
  Monitor,
  OctagonX,
  Paperclip,
  Play,
  Plug,
  ScrollText,
  Square,
  Terminal,
} from 'lucide-react'

import type { Phase } from './activity-row.tsx'
import type { ToolCall } from './rows.ts'
import { argsOf, type Data, errorOf, flag, list, number, resultOf, text } from './tool-data.ts'

/** Characters of a path that fit into a row beside what else it says. */
const MAX_PATH = 60

/** What the row of a call says. */
interface ToolWords {
  readonly icon: LucideIcon
  readonly verb: string
  readonly object?: string | undefined
  readonly mono?: boolean
}

/** Where a call stands; one without a result in a chat at rest was cut off. */
export function phaseOf(call: ToolCall, active: boolean): Phase {
  if (call.result === undefined || !hasEnded(call)) return active ? 'running' : 'stopped'
  if (call.result.is_error === true) return 'failed'
  if (runsOn(call)) return 'done'
  if (errorOf(call) !== undefined) return 'failed'
  const code = number(resultOf(call), 'exit_code')
  return code !== undefined && code !== 0 && call.name === 'execute' ? 'failed' : 'done'
}

/** A command that took longer than it was waited for is not over, and has not failed. */
export function runsOn(call: ToolCall): boolean {
  return text(resultOf(call), 'background_process_id') !== undefined
}

/** A result whose text still comes is none yet (CH-908). */
function hasEnded({ result }: ToolCall): boolean {
  return result?.result !== undefined || result?.is_error === true
}

/** How long a call took, in milliseconds (CH-121). */
export function durationOf({ call, result }: ToolCall): number | undefined {
  const wall = number(resultOf({ id: '', name: '', call, result }), 'wall_duration_ms')
  if (wall !== undefined) return wall
  if (call?.created_at === undefined || result?.created_at === undefined) return undefined
  return Math.max(0, Date.parse(result.created_at) - Date.parse(call.created_at))
}

/** Words for a call in the tense of its phase; undefined while what identifies it has not come yet (UI-1137). */
export function toolWords(call: ToolCall, phase: Phase): ToolWords | undefined {
  const args = argsOf(call)
  const result = resultOf(call)
  // What was cut off is told as what was going on.
  const tense = (running: string, done: string, failed: string) =>
    phase === 'failed' ? `Could not ${failed}` : phase === 'done' ? done : running
  // One that failed for the lack of it does not get it any more.
  const named = (icon: LucideIcon, verb: string, object: string | undefined, mono = false) =>
    object === undefined && phase !== 'failed' ? undefined : { icon, verb, object, mono }
  switch (call.name) {
    case 'execute': {
      const command = text(args, 'command')
      const intent = text(args, 'model_intent')
      const background = flag(args, 'run_in_background') || flag(result, 'backgrounded')
      if (command === undefined) return named(Terminal, tense('Running', 'Ran', 'run a command'), undefined)
      // One that ended with a code did run.
      const ran = phase === 'failed' && number(result, 'exit_code') !== undefined
      const verb = background
        ? tense('Starting', 'Started', 'start')
        : ran
          ? 'Ran'
          : tense('Running', 'Ran', 'run')
      return intent === undefined
        ? { icon: Terminal, verb, object: oneLine(command), mono: true }
        : { icon: Terminal, verb: intent, object: oneLine(command), mono: true }
    }
    case 'process_output':
      return named(
        Terminal,
        tense('Waiting for', 'Looked at', 'look at'),
        text(result, 'command') ?? text(args, 'model_intent') ?? text(args, 'process_id'),
        true,
      )
    case 'process_list':
      return { icon: List, verb: tense('Listing processes', 'Listed processes', 'list processes') }
    case 'process_signal':
      return named(
        OctagonX,
        tense('Stopping process', 'Stopped process', 'stop process'),
        text(args, 'process_id'),
        true,
      )
    case 'read_file':
      return named(FileText, tense('Reading', 'Read', 'read'), shortPath(text(args, 'path')), true)
    case 'write_file':
      return named(FilePen, tense('Writing', 'Wrote', 'write'), shortPath(text(args, 'path')), true)
    case 'edit_files': {
      const files = list(args, 'files')
      const [first] = files
      const path = shortPath(text(first, 'path') ?? text(args, 'path'))
      return named(
        FilePen,
        tense('Editing', 'Edited', 'edit'),
        path === undefined ? undefined : files.length > 1 ? `${path} and ${files.length - 1} more` : path,
        true,
      )
    }
    case 'attach_file':
      return named(
        Paperclip,
        tense('Attaching', 'Attached', 'attach'),
        text(args, 'name') ?? text(args, 'path'),
        true,
      )
    case 'read_skill':
      return named(ScrollText, tense('Reading skill', 'Read skill', 'read skill'), text(args, 'name'))
    case 'read_skill_file':
      return named(
        ScrollText,
        tense('Reading skill file', 'Read skill file', 'read skill file'),
        text(args, 'name') === undefined ? undefined : `${text(args, 'name')}/${text(args, 'path') ?? ''}`,
        true,
      )
    case 'create_workspace':
      return {
        icon: Boxes,
        verb: tense(
          'Creating workspace',
          flag(result, 'created') ? 'Created workspace' : 'Workspace',
          'create workspace',
        ),
        object: text(result, 'workspace_name') ?? text(args, 'name'),
      }
    case 'start_workspace':
      return {
        icon: Play,
        verb: tense('Starting workspace', 'Started workspace', 'start workspace'),
        object: text(result, 'workspace_name'),
      }
    case 'stop_workspace':
      return {
        icon: Square,
        verb: tense('Stopping workspace', 'Stopped workspace', 'stop workspace'),
        object: text(result, 'workspace_name'),
      }
    case 'list_templates':
      return {
        icon: LayoutTemplate,
        verb: tense('Looking for templates', 'Looked for templates', 'look for templates'),
        object: text(args, 'query'),
      }
    case 'read_template':
      return {
        icon: LayoutTemplate,
        verb: tense('Reading template', 'Read template', 'read template'),
        object: text(result, 'display_name') ?? text(result, 'name'),
      }
    case 'list_subagent_models':
      return { icon: List, verb: tense('Listing models', 'Listed models', 'list models') }
    case 'list_agents':
      return { icon: List, verb: tense('Listing subagents', 'Listed subagents', 'list subagents') }
    case 'find_tools':
      return {
        icon: FileSearch,
        verb: tense('Looking for tools', 'Looked for tools', 'look for tools'),
        object: queries(args),
      }
    case 'spawn_agent':
      return {
        icon: Bot,
        verb: tense('Starting subagent', 'Started subagent', 'start subagent'),
        object: text(result, 'title') ?? text(args, 'title') ?? oneLine(text(args, 'prompt') ?? ''),
      }
    case 'wait_agent':
      if (text(args, 'chat_id') === undefined) return undefined
      return {
        icon: Bot,
        verb: flag(result, 'timed_out')
          ? 'Still waiting for subagent'
          : tense('Waiting for subagent', 'Heard from subagent', 'wait for subagent'),
        object: text(result, 'title'),
      }
    case 'message_agent':
      if (text(args, 'chat_id') === undefined) return undefined
      return {
        icon: MessageSquare,
        verb: tense('Writing to subagent', 'Wrote to subagent', 'write to subagent'),
        object: text(result, 'title') ?? oneLine(text(args, 'message') ?? ''),
      }
    case 'interrupt_agent':
    case 'close_agent':
      if (text(args, 'chat_id') === undefined) return undefined
      return {
        icon: OctagonX,
        verb: tense('Stopping subagent', 'Stopped subagent', 'stop subagent'),
        object: text(result, 'title'),
      }
    case 'web_search':
      return {
        icon: Globe,
        verb: tense('Searching the web', 'Searched the web', 'search the web'),
        object: text(args, 'query') ?? queries(args),
      }
    case 'computer':
      return {
        icon: Monitor,
        verb: tense('Using the desktop', 'Used the desktop', 'use the desktop'),
        object: text(args, 'action'),
      }
    case 'advisor':
      return {
        icon: MessageSquare,
        verb: tense('Asking for advice', 'Asked for advice', 'ask for advice'),
        object: oneLine(text(args, 'question') ?? ''),
      }
    default: {
      const [server, ...tool] = call.name.split('__')
      if (tool.length === 0) return { icon: Hammer, verb: call.name, object: text(args, 'model_intent') }
      return {
        icon: Plug,
        verb: `${server}: ${tool.join('__')}`,
        object: text(args, 'model_intent'),
      }
    }
  }
}

/** The end of a long path: what is cut off at the end of a line would be the name of the file. */
function shortPath(path: string | undefined): string | undefined {
  if (path === undefined || path.length <= MAX_PATH) return path
  const from = path.indexOf('/', path.length - MAX_PATH)
  return from === -1 ? path : `…${path.slice(from)}`
}

function oneLine(value: string): string {
  return value.trim().replace(/\s*\n\s*/g, ' ')
}

function queries(args: Data): string | undefined {
  const { queries: several } = args
  return Array.isArray(several) ? several.filter((one) => typeof one === 'string').join(', ') : undefined
}
