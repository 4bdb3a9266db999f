import type { ChatMessagePart } from '@slipway/contract'

/** JSON as it comes from a model or a tool. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [member: string]: Json }

/** What somebody said. */
export interface TextPart {
  readonly type: 'text'
  readonly text: string
}

/** What a model thought; both times in RFC 3339. */
export interface ReasoningPart {
  readonly type: 'reasoning'
  readonly text: string
  readonly created_at?: string
  readonly completed_at?: string
  /** What the provider wants to see again, such as a signature; never sent to clients (CH-122). */
  readonly provider_metadata?: Json
}

/** A tool that a model calls. `args` is an object, or the text that the model sent when that is no JSON. */
export interface ToolCallPart {
  readonly type: 'tool-call'
  readonly tool_call_id: string
  readonly tool_name: string
  readonly args: Json
  readonly created_at: string
  readonly mcp_server_config_id?: string
  /** Programs that `execute` runs (CH-121). */
  readonly parsed_commands?: readonly (readonly string[])[]
  readonly provider_executed?: boolean
  readonly hook_rewritten?: boolean
  readonly provider_metadata?: Json
}

/** What a tool answered. */
export interface ToolResultPart {
  readonly type: 'tool-result'
  readonly tool_call_id: string
  readonly tool_name: string
  readonly result: Json
  readonly created_at: string
  readonly is_error?: boolean
  /** The result is `{data (base64), media_type, text?}`. */
  readonly is_media?: boolean
  readonly provider_executed?: boolean
  readonly provider_metadata?: Json
}

/** A page that the answer rests on. */
export interface SourcePart {
  readonly type: 'source'
  readonly source_id?: string
  readonly url: string
  readonly title?: string
}

/** A stored file, or, without an id, a file of which the bytes are in the part. */
export interface FilePart {
  readonly type: 'file'
  readonly file_id?: string
  readonly media_type: string
  readonly name?: string
  /** Base64; only without `file_id`. */
  readonly data?: string
}

/** Lines of a file that a user points at. */
export interface FileReferencePart {
  readonly type: 'file-reference'
  readonly file_name: string
  readonly start_line: number
  readonly end_line: number
  readonly content: string
}

/** Instructions of a workspace. */
export interface ContextFilePart {
  readonly type: 'context-file'
  readonly context_file_path: string
  readonly context_file_agent_id?: string
  readonly context_file_truncated?: boolean
  readonly context_file_content?: string
  readonly context_file_os?: string
  readonly context_file_directory?: string
}

/** A skill of a workspace. */
export interface SkillPart {
  readonly type: 'skill'
  readonly skill_name: string
  readonly skill_description?: string
  readonly skill_dir?: string
  readonly context_file_skill_meta_file?: string
}

/** What a hook tells the model (`hook-context`) or the user (`hook-notice`). */
export interface HookPart {
  readonly type: 'hook-context' | 'hook-notice'
  readonly text: string
}

/** A part of a message as it is stored (CH-120, CH-121). */
export type Part =
  | TextPart
  | ReasoningPart
  | ToolCallPart
  | ToolResultPart
  | SourcePart
  | FilePart
  | FileReferencePart
  | ContextFilePart
  | SkillPart
  | HookPart

/** The version that parts are written in now. */
export const CONTENT_VERSION = 1

/**
 * The parts of a stored message, whichever version it was written in (CH-1.3).
 *
 * @param content what the column holds: only ever written by this server.
 */
export function readParts(content: unknown, version: number): readonly Part[] {
  if (version === 0) return [{ type: 'text', text: String(content) }]
  // Written by `writeParts`, which takes nothing else.
  return content as readonly Part[]
}

/** What the column of a message takes. */
export function writeParts(parts: readonly Part[]): string {
  return jsonbOf(parts)
}

/**
 * JSON as a column of PostgreSQL takes it: models and providers may say what it refuses, which are NUL characters and
 * halves of surrogate pairs.
 */
export function jsonbOf(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\\(u0000|ud[89a-f][0-9a-f]{2}|.)/g, (escaped, what: string) =>
    what.length > 1 ? '\\ufffd' : escaped,
  )
}

/** What clients may see of the parts of a message (CH-122). */
export function wireParts(parts: readonly Part[]): ChatMessagePart[] {
  return parts.flatMap((part) => {
    const shown = wirePart(part)
    return shown === undefined ? [] : [shown]
  })
}

/** What clients may see of a part; undefined for one that is only for models. */
export function wirePart(part: Part): ChatMessagePart | undefined {
  switch (part.type) {
    case 'text':
    case 'hook-notice':
    case 'source':
      return { ...part }
    case 'file-reference':
      return { ...part }
    case 'reasoning': {
      const { provider_metadata: _, ...shown } = part
      return shown
    }
    case 'tool-call': {
      const { provider_metadata: _, parsed_commands, ...shown } = part
      return parsed_commands === undefined
        ? shown
        : { ...shown, parsed_commands: parsed_commands.map((words) => [...words]) }
    }
    case 'tool-result': {
      const { provider_metadata: _, ...shown } = part
      return shown
    }
    case 'file': {
      const { data: _, ...shown } = part
      return shown
    }
    case 'context-file':
      return {
        type: part.type,
        context_file_path: part.context_file_path,
        ...(part.context_file_agent_id === undefined
          ? {}
          : { context_file_agent_id: part.context_file_agent_id }),
        ...(part.context_file_truncated === undefined
          ? {}
          : { context_file_truncated: part.context_file_truncated }),
      }
    case 'skill':
      return {
        type: part.type,
        skill_name: part.skill_name,
        ...(part.skill_description === undefined ? {} : { skill_description: part.skill_description }),
      }
    case 'hook-context':
      return undefined
  }
}

/** The texts of parts in one, as titles and searches take them. */
export function textOf(parts: readonly Part[]): string {
  return parts
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('\n')
    .trim()
}

/** Calls of this server's or the client's tools that have no result among these messages' parts yet (CH-221). */
export function unansweredCalls(calls: readonly Part[], results: readonly Part[]): readonly ToolCallPart[] {
  const answered = new Map<string, number>()
  for (const part of [...calls, ...results])
    if (part.type === 'tool-result')
      answered.set(part.tool_call_id, (answered.get(part.tool_call_id) ?? 0) + 1)
  return calls.filter((part): part is ToolCallPart => {
    if (part.type !== 'tool-call' || part.provider_executed === true) return false
    // A provider may repeat an id: each result answers one call.
    const left = answered.get(part.tool_call_id) ?? 0
    if (left === 0) return true
    answered.set(part.tool_call_id, left - 1)
    return false
  })
}
