/** Largest file of a message (CH-440). */
export const MOST_FILE_BYTES = 10 * 1024 * 1024
/** Most files of a chat (CH-131). */
export const MOST_FILES = 50

const PASTE_LINES = 10
const PASTE_CHARACTERS = 1000

/** Whether pasted text is so long that it becomes a file (UI-1118). */
export function isLongPaste(text: string): boolean {
  return text.length >= PASTE_CHARACTERS || text.split('\n').length >= PASTE_LINES
}

/** Name of a file for pasted text. */
export function pastedName(now: Date): string {
  return `pasted-text-${now.toISOString().slice(0, 19).replace(/[:T]/g, '-')}.txt`
}

/** A name that no shell and no path stumbles over; letters of any script stay (UI-1118). */
export function safeFileName(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? ''
  const safe = base
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '_')
    .replace(/^[.-]+/, '')
    .replace(/^_+$/, '')
  return safe === '' ? 'file' : safe
}

const INVISIBLE =
  /\u034f|\u200d|[\u00ad\u061c\u180e\ufeff\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufff9-\ufffb]/g

/** Characters that nobody sees or that turn text around; U+200D is counted outside of emoji only (UI-1124). */
export function countInvisible(text: string): number {
  const plain = text.replace(
    /(?<=\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)\u200d(?=\p{Extended_Pictographic})/gu,
    '',
  )
  return plain.match(INVISIBLE)?.length ?? 0
}

/** What a key does in the composer. */
type KeyAction = 'send' | 'send-now' | 'newline' | undefined

interface EnterKey {
  readonly key: string
  readonly shiftKey: boolean
  readonly altKey: boolean
  readonly modifier: boolean
  readonly composing: boolean
}

/**
 * What Enter does (UI-1116). While the habits of the viewer are not known it is as if a modifier was needed, so that
 * nothing is sent by accident.
 */
export function enterAction(
  { key, shiftKey, altKey, modifier, composing }: EnterKey,
  habit: 'enter' | 'modifier_enter' | undefined,
  touch: boolean,
): KeyAction {
  if (key !== 'Enter' || composing) return undefined
  if (modifier) return shiftKey ? 'send-now' : 'send'
  if (shiftKey || altKey || touch || habit !== 'enter') return 'newline'
  return 'send'
}

/** What the file of a size says. */
export function fileSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
