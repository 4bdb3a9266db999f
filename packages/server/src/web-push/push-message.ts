/** Characters: with all that belongs to it a message stays below the 4096 bytes that push services take (RFC 8030). */
const MAX_TITLE = 200
const MAX_BODY = 500

/** What a browser shows. */
export interface PushMessage {
  readonly title: string
  readonly body: string
  /** What a later message of the same tag takes the place of; at most 32 characters of base64url. */
  readonly tag: string
  /** Path of the dashboard that a click opens. */
  readonly path: string
}

/** What the browser gets: JSON of at most 3993 bytes, which encryption makes 4096 (RFC 8291). */
export function payloadOf({ title, body, tag, path }: PushMessage): string {
  return JSON.stringify({
    title: shortened(title, MAX_TITLE),
    body: shortened(body, MAX_BODY),
    icon: '/favicon.ico',
    tag,
    actions: [],
    data: { url: path },
  })
}

/** A text on one line, of at most that many characters. */
function shortened(text: string, most: number): string {
  const line = [
    ...text
      .toWellFormed()
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim(),
  ]
  return line.length <= most ? line.join('') : `${line.slice(0, most - 1).join('')}…`
}
