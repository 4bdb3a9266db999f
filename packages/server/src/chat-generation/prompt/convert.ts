import type { FilePart, Json, Part, ToolResultPart } from '../../chats/index.ts'
import type { History, HistoryMessage } from '../history.ts'
import { isJsonObject } from '../model/json.ts'
import type { Prompt, ProviderOptions, Transport } from '../model/language-model.ts'
import { CallIds } from './call-ids.ts'
import { fenced, inlineText, isImage, isText, takesMedia, takesMediaResults } from './media.ts'

/** A stored file as a prompt takes it. */
export interface LoadedFile {
  readonly name: string
  readonly mediaType: string
  readonly data: Buffer
}

/** What decides how a conversation is told to a model. */
export interface Conversion {
  readonly transport: Transport
  /** The model that is asked; what another one has thought is not told to it. */
  readonly modelConfigId: string
  /** Id of the provider of a model config; undefined for one that is gone. */
  readonly providerOf: (modelConfigId: string) => string | undefined
  /** Undefined for a file that is gone. */
  readonly loadFile: (id: string) => Promise<LoadedFile | undefined>
  /** Bytes of an image that the provider takes; undefined for any (CH-444). */
  readonly imageLimit: number | undefined
}

/** A conversation as a model is told it, and what of it could not be told (B-7). */
export interface Converted {
  readonly prompt: Prompt
  /** About files of the last message of the user. */
  readonly warnings: readonly string[]
}

type Message = Prompt[number]
type UserContent = Extract<Message, { readonly role: 'user' }>['content']
type AssistantContent = Extract<Message, { readonly role: 'assistant' }>['content']
type ToolContent = Extract<Message, { readonly role: 'tool' }>['content']
type ToolOutput = Extract<ToolContent[number], { readonly type: 'tool-result' }>['output']

/**
 * Tells a conversation in the terms of a provider (CH-704).
 *
 * @param system what is told first, in order (CH-701, CH-702).
 */
export async function convert(
  system: readonly string[],
  history: History,
  conversion: Conversion,
): Promise<Converted> {
  const ids = new CallIds(conversion.transport)
  const prompt: Message[] = system.map((content) => ({ role: 'system', content }))
  const lastUser = history.messages.findLastIndex(({ row }) => row.role === 'user')
  const warnings: string[] = []
  for (const [at, message] of history.messages.entries()) {
    switch (message.row.role) {
      case 'user': {
        const told = await userContent(message, conversion)
        if (at === lastUser) warnings.push(...told.warnings)
        if (told.content.length > 0) prompt.push({ role: 'user', content: told.content })
        break
      }
      case 'assistant': {
        const content = assistantContent(message, conversion, ids)
        if (content.length > 0) prompt.push({ role: 'assistant', content })
        break
      }
      case 'tool': {
        const content = toolContent(message, conversion.transport, ids)
        const last = prompt.at(-1)
        if (last?.role === 'tool') last.content.push(...content)
        else if (content.length > 0) prompt.push({ role: 'tool', content })
        break
      }
      case 'system':
        break
    }
  }
  markCache(prompt, conversion.transport)
  return { prompt, warnings }
}

async function userContent(
  { parts }: HistoryMessage,
  conversion: Conversion,
): Promise<{ readonly content: UserContent; readonly warnings: readonly string[] }> {
  const content: UserContent = []
  const warnings: string[] = []
  for (const part of parts) {
    switch (part.type) {
      case 'text':
      case 'hook-context':
        content.push({ type: 'text', text: part.text })
        break
      case 'file-reference':
        content.push({
          type: 'text',
          text: referenceText(part),
        })
        break
      case 'file': {
        const told = await fileContent(part, conversion)
        content.push(told.content)
        if (told.warning !== undefined) warnings.push(told.warning)
        break
      }
      case 'reasoning':
      case 'tool-call':
      case 'tool-result':
      case 'source':
      case 'context-file':
      case 'skill':
      case 'hook-notice':
        break
    }
  }
  return { content, warnings }
}

/** A file, its text, or why there is neither; a turn never fails because of one (B-7). */
async function fileContent(
  part: FilePart,
  { transport, loadFile, imageLimit }: Conversion,
): Promise<{ readonly content: UserContent[number]; readonly warning?: string }> {
  const label = part.name ?? 'a file'
  const without = (why: string) => ({
    content: { type: 'text' as const, text: `[attachment ${label} (${part.media_type}): ${why}]` },
    warning: `The model did not get ${label}: ${why}.`,
  })
  const file = part.file_id === undefined ? inlineFile(part) : await loadFile(part.file_id)
  if (file === undefined) return without('the file is not available any more')
  if (isImage(file.mediaType) && imageLimit !== undefined && file.data.length > imageLimit)
    return without(
      `the image is larger than the ${Math.floor(imageLimit / 1024 / 1024)} MiB that the provider takes`,
    )
  if (isText(file.mediaType)) return { content: { type: 'text', text: inlineText(file.name, file.data) } }
  if (!takesMedia(transport, file.mediaType)) return without('the model does not take files of this type')
  return {
    content: {
      type: 'file',
      filename: file.name,
      mediaType: file.mediaType,
      data: { type: 'data', data: new Uint8Array(file.data) },
    },
  }
}

function inlineFile({ data, media_type, name }: FilePart): LoadedFile | undefined {
  return data === undefined
    ? undefined
    : { name: name ?? 'file', mediaType: media_type, data: Buffer.from(data, 'base64') }
}

function assistantContent(
  { row, parts }: HistoryMessage,
  { modelConfigId, providerOf }: Conversion,
  ids: CallIds,
): AssistantContent {
  const sameModel = row.model_config_id === modelConfigId
  const sameProvider =
    sameModel ||
    (row.model_config_id !== null &&
      providerOf(row.model_config_id) !== undefined &&
      providerOf(row.model_config_id) === providerOf(modelConfigId))
  const content = parts.flatMap((part) => assistantPart(part, { sameModel, sameProvider, ids }))
  // Thoughts alone are no message that providers take.
  return content.some((part) => part.type !== 'reasoning') ? content : []
}

function assistantPart(
  part: Part,
  {
    sameModel,
    sameProvider,
    ids,
  }: { readonly sameModel: boolean; readonly sameProvider: boolean; readonly ids: CallIds },
): AssistantContent {
  switch (part.type) {
    case 'text':
      return [{ type: 'text', text: part.text }]
    case 'reasoning':
      // Proofs of a model's thoughts are its own.
      return sameModel ? [{ type: 'reasoning', text: part.text, ...metadataOf(part) }] : []
    case 'tool-call':
      if (part.provider_executed === true && !sameProvider)
        return [{ type: 'text', text: `[called ${part.tool_name} with ${JSON.stringify(part.args)}]` }]
      return [
        {
          type: 'tool-call',
          toolCallId: ids.of(part.tool_call_id),
          toolName: part.tool_name,
          input: inputOf(part.args),
          ...(part.provider_executed === true ? { providerExecuted: true } : {}),
          ...(sameModel ? metadataOf(part) : {}),
        },
      ]
    case 'tool-result':
      if (!sameProvider)
        return [{ type: 'text', text: `[${part.tool_name} answered ${JSON.stringify(part.result)}]` }]
      return [
        {
          type: 'tool-result',
          toolCallId: ids.of(part.tool_call_id),
          toolName: part.tool_name,
          output: { type: 'json', value: mutable(part.result) },
          ...(sameModel ? metadataOf(part) : {}),
        },
      ]
    case 'source':
    case 'file':
    case 'file-reference':
    case 'context-file':
    case 'skill':
    case 'hook-context':
    case 'hook-notice':
      return []
  }
}

function toolContent({ parts }: HistoryMessage, transport: Transport, ids: CallIds): ToolContent {
  return parts.flatMap(
    (part): ToolContent =>
      part.type === 'tool-result'
        ? [
            {
              type: 'tool-result',
              toolCallId: ids.of(part.tool_call_id),
              toolName: part.tool_name,
              output: outputOf(part, transport),
            },
          ]
        : [],
  )
}

function outputOf(part: ToolResultPart, transport: Transport): ToolOutput {
  const { result } = part
  if (part.is_media === true && isJsonObject(result)) {
    const { data, media_type: mediaType, text } = result
    if (typeof data === 'string' && typeof mediaType === 'string') {
      const said = typeof text === 'string' ? text : ''
      if (!takesMediaResults(transport) || !isImage(mediaType))
        return { type: 'text', value: `${said}\n[${mediaType} that cannot be shown to this model]`.trim() }
      return {
        type: 'content',
        value: [
          ...(said === '' ? [] : [{ type: 'text' as const, text: said }]),
          { type: 'file', mediaType, data: { type: 'data', data } },
        ],
      }
    }
  }
  if (typeof result === 'string')
    return { type: part.is_error === true ? 'error-text' : 'text', value: result }
  return { type: part.is_error === true ? 'error-json' : 'json', value: mutable(result) }
}

/** Providers take objects only; a text is what a model has sent that was no JSON. */
function inputOf(args: Json): unknown {
  return isJsonObject(args) ? args : { invalid_arguments: args }
}

function metadataOf(part: Part): { readonly providerOptions?: ProviderOptions } {
  if (!('provider_metadata' in part) || !isJsonObject(part.provider_metadata)) return {}
  const options: ProviderOptions = {}
  for (const [provider, value] of Object.entries(part.provider_metadata))
    if (isJsonObject(value)) options[provider] = value
  return { providerOptions: options }
}

type Value = Extract<ToolOutput, { readonly type: 'json' }>['value']

/** The same JSON in the type of the libraries, which do not change it. */
function mutable(value: Json): Value {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((item: Json) => mutable(item))
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mutable(member)]))
}

/** Where providers cache what comes before: after what never changes, and at the end (CH-704). */
function markCache(prompt: Message[], transport: Transport): void {
  const options = cacheMarker(transport)
  if (options === undefined) return
  const lastSystem = prompt.findLastIndex(({ role }) => role === 'system')
  const ends = new Set([lastSystem, prompt.length - 1, prompt.length - 2])
  for (const at of ends) {
    const message = prompt[at]
    if (message !== undefined) prompt[at] = { ...message, providerOptions: options }
  }
}

function cacheMarker(transport: Transport): ProviderOptions | undefined {
  switch (transport) {
    case 'anthropic':
      return { anthropic: { cacheControl: { type: 'ephemeral' } } }
    case 'openrouter':
      return { openrouter: { cacheControl: { type: 'ephemeral' } } }
    case 'bedrock':
      return undefined
    case 'openai-responses':
    case 'openai-chat':
    case 'google':
    case 'openai-compatible':
      return undefined
  }
}

/** Lines of a file with what stands there, or a file that is only named, for the model to read (CH-704). */
function referenceText({
  file_name: name,
  start_line: start,
  end_line: end,
  content,
}: Extract<Part, { readonly type: 'file-reference' }>): string {
  if (content !== '') return `[file-reference] ${name}:${start}-${end}\n${fenced(content)}`
  return start === 0 ? `[file-reference] ${name}` : `[file-reference] ${name}:${start}-${end}`
}
