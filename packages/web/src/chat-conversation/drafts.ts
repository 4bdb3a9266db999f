import type { FileReference } from './diff-rows.ts'
import type { KnownFiles } from './mentions.ts'

/** A file that is on the server already. */
export interface DraftFile {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly size: number
}

/** What somebody has written and not sent (UI-1117). */
export interface Draft {
  readonly text: string
  readonly files: readonly DraftFile[]
  /** Lines of files that it points at. */
  readonly references?: readonly FileReference[]
  /** Files that the text names. */
  readonly mentions?: KnownFiles
}

const EMPTY_DRAFT: Draft = { text: '', files: [] }

const PREFIX = 'slipway.draft'
/** Drafts of chats that nobody goes back to are dropped, the oldest first. */
const MOST_DRAFTS = 50

/** Where the draft of a chat is kept: drafts of another account on the same device are never shown. */
export function draftName(user: string, key: string): string {
  return `${PREFIX}.${user}.${key}`
}

export function readDraft(name: string): Draft {
  try {
    return parseDraft(localStorage.getItem(name))
  } catch {
    return EMPTY_DRAFT
  }
}

/** What was stored; empty for what is no draft. */
export function parseDraft(stored: string | null): Draft {
  if (stored === null) return EMPTY_DRAFT
  try {
    const value: unknown = JSON.parse(stored)
    if (typeof value !== 'object' || value === null || !('text' in value) || typeof value.text !== 'string')
      return EMPTY_DRAFT
    const files = 'files' in value && Array.isArray(value.files) ? value.files.filter(isDraftFile) : []
    const references =
      'references' in value && Array.isArray(value.references) ? value.references.filter(isReference) : []
    const mentions = 'mentions' in value ? readMentions(value.mentions) : {}
    return {
      text: value.text,
      files,
      ...(references.length === 0 ? {} : { references }),
      ...(Object.keys(mentions).length === 0 ? {} : { mentions }),
    }
  } catch {
    return EMPTY_DRAFT
  }
}

/** Keeps a draft, or forgets it when there is nothing in it. Without storage it lasts as long as the page (UI-2107). */
export function writeDraft(name: string, { text, files, references = [], mentions = {} }: Draft): void {
  try {
    if (text === '' && files.length === 0 && references.length === 0) localStorage.removeItem(name)
    else {
      localStorage.setItem(name, JSON.stringify({ text, files, references, mentions, at: Date.now() }))
      dropOld(name)
    }
  } catch {
    // Storage is full or switched off.
  }
}

function dropOld(kept: string): void {
  const names = Object.keys(localStorage).filter((name) => name.startsWith(`${PREFIX}.`) && name !== kept)
  if (names.length < MOST_DRAFTS) return
  const dated = names
    .map((name) => ({ name, at: savedAt(localStorage.getItem(name)) }))
    .sort((a, b) => a.at - b.at)
  for (const { name } of dated.slice(0, names.length - MOST_DRAFTS + 1)) localStorage.removeItem(name)
}

function savedAt(stored: string | null): number {
  const found = /"at":(\d+)\}$/.exec(stored ?? '')
  return Number(found?.[1] ?? 0)
}

function readMentions(value: unknown): KnownFiles {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).filter(([, file]) => typeof file === 'string'))
}

function isReference(value: unknown): value is FileReference {
  return (
    typeof value === 'object' &&
    value !== null &&
    'file' in value &&
    typeof value.file === 'string' &&
    'from' in value &&
    typeof value.from === 'number' &&
    'until' in value &&
    typeof value.until === 'number' &&
    'content' in value &&
    typeof value.content === 'string' &&
    'comment' in value &&
    typeof value.comment === 'string'
  )
}

function isDraftFile(value: unknown): value is DraftFile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'name' in value &&
    typeof value.name === 'string' &&
    'type' in value &&
    typeof value.type === 'string' &&
    'size' in value &&
    typeof value.size === 'number'
  )
}
