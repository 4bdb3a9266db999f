/**
 * The value of JSON text that is still being written: what is open is closed, what is half a word is left out.
 * Undefined when nothing can be made of it yet.
 */
export function parsePartialJson(text: string): unknown {
  const whole = parse(text)
  if (whole !== undefined) return whole
  const closers: string[] = []
  let inString = false
  // Where the text could end, with what would have to close it.
  let safe: { readonly at: number; readonly closers: string } | undefined
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
      continue
    }
    if (char === '"') inString = true
    else if (char === '{') closers.unshift('}')
    else if (char === '[') closers.unshift(']')
    else if (char === '}' || char === ']') closers.shift()
    else if (char === ',') safe = { at: i, closers: closers.join('') }
    if (char === '{' || char === '[' || char === '}' || char === ']')
      safe = { at: i + 1, closers: closers.join('') }
  }
  const cut = text.replace(/\\(u[0-9a-fA-F]{0,3})?$/, '')
  const open = inString ? parse(`${cut}"${closers.join('')}`) : parse(text + closers.join(''))
  if (open !== undefined) return open
  return safe === undefined ? undefined : parse(text.slice(0, safe.at) + safe.closers)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
