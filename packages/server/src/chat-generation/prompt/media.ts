import type { Transport } from '../model/language-model.ts'

const IMAGES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
/** Bytes of a text that goes into the prompt itself (CH-704). */
const MAX_INLINE = 128 * 1024
const PASTED = /^pasted-text-\d{4}-\d{2}-\d{2}-\d{2}-\d{2}-\d{2}\.txt$/

/** Whether a transport takes files of this type as they are. */
export function takesMedia(transport: Transport, mediaType: string): boolean {
  if (IMAGES.has(mediaType)) return true
  if (mediaType !== 'application/pdf') return false
  switch (transport) {
    case 'openai-responses':
    case 'openai-chat':
    case 'anthropic':
    case 'bedrock':
    case 'google':
    case 'openrouter':
      return true
    case 'openai-compatible':
      return false
  }
}

/** Whether a transport takes images as results of tools. */
export function takesMediaResults(transport: Transport): boolean {
  switch (transport) {
    case 'openai-responses':
    case 'anthropic':
    case 'bedrock':
    case 'google':
      return true
    case 'openai-chat':
    case 'openai-compatible':
    case 'openrouter':
      return false
  }
}

/** Whether a type is an image. */
export function isImage(mediaType: string): boolean {
  return IMAGES.has(mediaType)
}

/** Whether a file is text, which any model can read in the prompt. */
export function isText(mediaType: string): boolean {
  return mediaType.startsWith('text/') || mediaType === 'application/json'
}

/** A file as text of the prompt; text that was pasted stands for itself (CH-704). */
export function inlineText(name: string, data: Buffer): string {
  const cut = data.length > MAX_INLINE
  // A character that was cut in two is left out.
  const text = new TextDecoder().decode(data.subarray(0, MAX_INLINE), { stream: cut })
  const note = cut ? `\n[cut: ${data.length - MAX_INLINE} of ${data.length} bytes are left out]` : ''
  return PASTED.test(name) ? `${text}${note}` : `[file] ${name}\n${fenced(text)}${note}`
}

/** Text between fences that it does not hold itself. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([fence]) => fence.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`
}
