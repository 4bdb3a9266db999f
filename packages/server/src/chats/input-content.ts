import type { ChatInputPart } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import { findReadableFiles, isAllowedType } from '../chat-files/index.ts'
import type { Db } from '../context.ts'
import { type ApiError, badRequest } from '../errors/index.ts'
import type { Part } from './parts.ts'

/** Characters of all texts of one message. */
const MAX_CHARACTERS = 1_000_000

/** What a user sends, checked. */
export interface InputContent {
  readonly parts: readonly Part[]
  /** Ids of the files in it, each once. */
  readonly fileIds: readonly string[]
}

/**
 * Reads what a user sends (CH-402): files must be there and readable for the actor.
 *
 * @throws ApiError 400 naming the part.
 */
export async function readInput(
  actor: Actor,
  db: Db,
  given: readonly ChatInputPart[] | undefined,
): Promise<InputContent> {
  if (given === undefined || given.length === 0)
    throw badRequest('Content is required.', {
      detail: 'Content must have at least one part.',
      validations: [{ field: 'content', detail: 'must have at least one part' }],
    })
  // Everything that needs no look at the database first.
  const read = given.map((part, index) => readPart(part, index))
  const characters = read.reduce((sum, part) => sum + (part.kind === 'part' ? lengthOf(part.part) : 0), 0)
  if (characters > MAX_CHARACTERS)
    throw badRequest('Content is too long.', { detail: `It has more than ${MAX_CHARACTERS} characters.` })
  const fileIds = [...new Set(read.flatMap((part) => (part.kind === 'file' ? [part.id] : [])))]
  const found = fileIds.length === 0 ? [] : await findReadableFiles(actor, db, fileIds)
  const files = new Map(found.map((file) => [file.id, file]))
  const parts = read.map((part, index): Part => {
    if (part.kind === 'part') return part.part
    const file = files.get(part.id)
    if (file === undefined) throw refused(index, 'names a file that does not exist or that you cannot read')
    if (!isAllowedType(file.mimetype))
      throw refused(index, `names a file of the type ${file.mimetype}, which cannot be sent`)
    return { type: 'file', file_id: file.id, media_type: file.mimetype, name: file.name }
  })
  return { parts, fileIds }
}

type ReadPart =
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'file'; readonly id: string }

function readPart(part: ChatInputPart, index: number): ReadPart {
  switch (part.type) {
    case 'text': {
      const text = part.text?.trim() ?? ''
      if (text === '') throw refused(index, 'has no text')
      return { kind: 'part', part: { type: 'text', text } }
    }
    case 'file':
      if (part.file_id === undefined) throw refused(index, 'has no file_id')
      return { kind: 'file', id: part.file_id.toLowerCase() }
    case 'file-reference': {
      const { file_name: name = '', start_line: start = 0, end_line: end = start, content = '' } = part
      if (name.trim() === '') throw refused(index, 'has no file_name')
      if (end < start) throw refused(index, 'ends before it starts')
      return {
        kind: 'part',
        part: { type: 'file-reference', file_name: name, start_line: start, end_line: end, content },
      }
    }
    default:
      throw refused(index, `has the type ${JSON.stringify(part.type)}, which nobody can send`)
  }
}

function lengthOf(part: Part): number {
  switch (part.type) {
    case 'text':
      return part.text.length
    case 'file-reference':
      return part.content.length
    default:
      return 0
  }
}

function refused(index: number, why: string): ApiError {
  const detail = `content[${index}] ${why}.`
  return badRequest('Invalid content.', {
    detail,
    validations: [{ field: `content[${index}]`, detail: why }],
  })
}
