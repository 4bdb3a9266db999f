import type { Chat, ChatMessage, ChatMessagePart } from '@slipway/contract'

/** A name for a file: letters of any script, digits, dashes. */
export function fileNameOf(title: string): string {
  const name = title
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
  return name === '' ? 'chat' : name
}

/** Who a chat is, above its messages. A subagent stands below its root, so its title is a smaller one. */
export function headOf(chat: Pick<Chat, 'id' | 'title' | 'created_at' | 'parent_chat_id'>): string {
  const title =
    chat.parent_chat_id === undefined ? `# ${oneLine(chat.title)}` : `# Subagent: ${oneLine(chat.title)}`
  return `${title}\n\nChat ${chat.id}, begun ${chat.created_at}\n\n`
}

/** A message as Markdown: who said what, with calls of tools and their results folded away; empty for nothing. */
export function messageMarkdown(message: Pick<ChatMessage, 'role' | 'content'>): string {
  const parts = message.content.map(partMarkdown).filter((text) => text !== '')
  if (parts.length === 0) return ''
  const who = { user: '## You', assistant: '## Agent', tool: '', system: '## System' }[message.role]
  return `${[who, ...parts].filter((text) => text !== '').join('\n\n')}\n\n`
}

function partMarkdown(part: ChatMessagePart): string {
  switch (part.type) {
    case 'text':
    case 'hook-notice':
      return part.text ?? ''
    case 'reasoning':
      return folded('Thoughts', part.text ?? '')
    case 'tool-call':
      return folded(`Tool ${part.tool_name ?? ''}`, fenced(textOf(part.args)))
    case 'tool-result':
      return folded(
        `${part.is_error === true ? 'Error' : 'Result'} of ${part.tool_name ?? 'the tool'}`,
        fenced(textOf(part.result)),
      )
    case 'source':
      return part.url === undefined ? '' : `Source: <${part.url}>`
    case 'file':
      return `File: ${oneLine(part.name ?? part.file_id ?? part.media_type ?? '')}`
    case 'file-reference':
      return `\`${part.file_name ?? ''}\`, lines ${part.start_line ?? 0} to ${part.end_line ?? 0}\n\n${fenced(part.content ?? '')}`
    default:
      return ''
  }
}

function folded(title: string, text: string): string {
  return text.trim() === '' ? '' : `<details><summary>${oneLine(title)}</summary>\n\n${text}\n\n</details>`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '')
}

/** A fence that is longer than every run of backticks inside. */
function fenced(text: string): string {
  if (text === '') return ''
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}\n${fence}`
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
