import type { ChatMessage, ChatMessagePart } from '@slipway/contract'
import { safeLine, safeText } from './safe-text.ts'

/** Lines of what a command has printed that are shown. */
const OUTPUT_LINES = 10

/** What the arguments of a tool say it is about, most telling first. */
const TELLING = [
  'command',
  'path',
  'query',
  'name',
  'title',
  'prompt',
  'question',
  'url',
  'process_id',
] as const

/** All text of a message. */
export function textOf(content: readonly ChatMessagePart[]): string {
  return content.flatMap(({ type, text }) => (type === 'text' ? [text ?? ''] : [])).join('')
}

/**
 * Puts a message, or the preview of one, into words part by part. The words for parts that come one by one, texts in
 * pieces, are those for the finished message.
 */
export class PartWords {
  #before: 'text' | 'reasoning' | 'line' | undefined

  /** What is to be written for the next part; empty for what only previews have. */
  of(part: ChatMessagePart): string {
    switch (part.type) {
      case 'text':
        return part.text === undefined || part.text === ''
          ? ''
          : `${this.#turnTo('text')}${safeText(part.text)}`
      case 'reasoning':
        return this.#before === 'reasoning' ? '' : `${this.#turnTo('reasoning')}(thinking)\n`
      case 'tool-call':
        return part.args === undefined ? '' : this.#line(callLine(part))
      case 'tool-result':
        return part.result === undefined
          ? ''
          : resultLines(part)
              .map((line) => this.#line(line))
              .join('')
      case 'source':
        return this.#line(`[source: ${safeLine(`${part.title ?? ''} ${part.url ?? ''}`, 300)}]`)
      case 'file':
        return this.#line(
          `[file: ${safeLine(part.name ?? part.file_id ?? '')} (${safeLine(part.media_type ?? '')})]`,
        )
      case 'file-reference':
        return this.#line(`[${safeLine(part.file_name ?? '')}:${part.start_line}-${part.end_line}]`)
      case 'hook-notice':
        return this.#line(`[${safeLine(part.text ?? '', 500)}]`)
      case 'context-file':
      case 'skill':
      case 'hook-context':
        return ''
    }
  }

  /** All parts, with a line break at the end. */
  whole(content: readonly ChatMessagePart[]): string {
    return `${content.map((part) => this.of(part)).join('')}${this.end()}`
  }

  /** The line break that the last text lacks. */
  end(): string {
    const open = this.#before === 'text'
    this.#before = undefined
    return open ? '\n' : ''
  }

  #line(text: string): string {
    return `${this.#turnTo('line')}${text}\n`
  }

  #turnTo(next: 'text' | 'reasoning' | 'line'): string {
    const brk = this.#before === 'text' && next !== 'text' ? '\n' : ''
    this.#before = next
    return brk
  }
}

/** A message as people read it; that of a user is marked as a quotation is. */
export function messageText({ role, content }: Pick<ChatMessage, 'role' | 'content'>): string {
  const text = new PartWords().whole(content)
  return role === 'user' ? text.replace(/^/gm, '> ').replace(/> $/, '') : text
}

function callLine(part: ChatMessagePart): string {
  const about = gist(part.args)
  return `→ ${safeLine(part.tool_name ?? '')}${about === '' ? '' : `: ${about}`}`
}

function gist(args: unknown): string {
  const fields = fieldsOf(args)
  if (Array.isArray(fields.questions)) return questions(fields.questions)
  if (Array.isArray(fields.files))
    return safeLine(fields.files.map((file) => String(fieldsOf(file).path)).join(' '))
  const told = TELLING.map((name) => fields[name]).find((value) => typeof value === 'string')
  if (typeof told === 'string') return safeLine(told)
  return Object.keys(fields).length === 0 ? '' : safeLine(JSON.stringify(args))
}

/** What a model wants to know from the user, who answers with the next message. */
function questions(asked: readonly unknown[]): string {
  return asked
    .map((one) => {
      const { question, options } = fieldsOf(one)
      const choices = (Array.isArray(options) ? options : []).map((option, i) => {
        const { label, description } = fieldsOf(option)
        return `\n    ${i + 1}. ${safeLine([label, description].filter(Boolean).join(': '), 300)}`
      })
      return `\n  ${safeLine(String(question), 500)}${choices.join('')}`
    })
    .join('')
}

function resultLines(part: ChatMessagePart): readonly string[] {
  const result = fieldsOf(part.result)
  const said = result.error ?? (part.is_error === true ? part.result : undefined)
  const failure = said === undefined || said === '' ? [] : [`  failed: ${safeLine(inWords(said), 500)}`]
  const output = typeof result.output === 'string' ? result.output.trimEnd() : ''
  if (output === '') return failure
  const lines = output.split('\n')
  const shown = lines.slice(0, OUTPUT_LINES).map((line) => `  ${safeText(line).slice(0, 500)}`)
  const more = lines.length - shown.length
  return [...shown, ...(more > 0 ? [`  … ${more} more lines`] : []), ...failure]
}

function inWords(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
