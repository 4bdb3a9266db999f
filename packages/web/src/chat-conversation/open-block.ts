/**
 * Text of a block that is still being written, so that it can be shown: marks that nothing follows yet are held
 * back, and marks that are open are closed, for that they never flash as raw syntax (UI-1129).
 */
export function tidyOpenBlock(raw: string): string {
  if (/^ {0,3}(`{3,}|~{3,})/.test(raw)) return /^ {0,3}(`{3,}|~{3,})[^\n]*$/.test(raw) ? '' : raw
  const lines = raw.split('\n')
  const last = lines.at(-1) ?? ''
  // A heading, a point of a list, a quote or a fence whose text has not come yet; a rule or an underline in the making.
  if (
    /^\s*(#{1,6}|[-*+]|\d{1,9}[.)]?|>|={1,}|-{2,}|`{1,3}[^`]*|~{1,3}\w*)\s*$/.test(last) &&
    !/^\s*\d+$/.test(raw)
  )
    lines.pop()
  else if (/^\s*\|/.test(last) && !lines.some((line) => /^\s*\|?\s*:?-+/.test(line))) return ''
  return closeInline(lines.join('\n'))
}

function closeInline(text: string): string {
  let shown = text
    // An image or link whose address is still coming shows as its text.
    .replace(/!\[[^\]\n]*(\]\([^)\n]*)?$/, '')
    .replace(/\[([^\]\n]*)\]\([^)\n]*$/, '$1')
    .replace(/\[([^\]\n]*)$/, '$1')
    .replace(/(^|\s)(\*{1,3}|_{1,3}|~~|`)$/, '$1')
  if ((shown.match(/`/g)?.length ?? 0) % 2 === 1) return `${shown.replace(/\s+$/, '')}\``
  // What stands between backticks is no mark.
  const plain = shown.replace(/`[^`]*`/g, '')
  for (const mark of ['**', '~~'] as const) {
    if ((plain.split(mark).length - 1) % 2 === 0) continue
    const half = mark[0] ?? ''
    shown =
      shown.endsWith(half) && !shown.endsWith(mark) ? shown + half : `${shown.replace(/\s+$/, '')}${mark}`
  }
  return shown
}
